#include "sqs/wire/hocon.h"

namespace naru::sqs {
namespace {

constexpr int depth_max = 16;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::expected<HoconMember, std::string> parse() {
    HoconMember root{.name = "", .is_object = true};
    skip();
    bool braced = take('{');
    if (!members(root, braced ? '}' : '\0')) return std::unexpected(said());
    skip();
    if (at_ < text_.size()) return std::unexpected("line " + std::to_string(line_) + ": something behind the end");
    return root;
  }

 private:
  std::string said() const { return "line " + std::to_string(line_) + ": " + wrong_; }
  bool fail(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
    return false;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  bool at_comment() const { return peek() == '#' || text_.substr(at_, 2) == "//"; }
  void skip_line() {
    while (at_ < text_.size() && peek() != '\n') ++at_;
  }
  /// Blanks, line ends, commas and comments: what stands between members.
  void skip() {
    while (at_ < text_.size()) {
      if (at_comment()) {
        skip_line();
      } else if (peek() == '\n') {
        ++line_, ++at_;
      } else if (std::string_view(" \t\r,").contains(peek())) {
        ++at_;
      } else {
        return;
      }
    }
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r").contains(peek())) ++at_;
  }

  bool quoted(std::string& into) {
    ++at_;
    while (at_ < text_.size() && peek() != '"' && peek() != '\n') {
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      into += text_[at_++];
    }
    return take('"') || fail("a quote that does not end");
  }

  /// Text without quotes, up to what ends it.
  std::string plain(std::string_view ends) {
    size_t begin = at_;
    while (at_ < text_.size() && !ends.contains(peek()) && !at_comment()) ++at_;
    std::string_view found = text_.substr(begin, at_ - begin);
    while (!found.empty() && std::string_view(" \t\r").contains(found.back())) found.remove_suffix(1);
    return std::string(found);
  }

  // Recursion is bounded by depth_max.
  bool members(HoconMember& into, char end) {
    if (++depth_ > depth_max) return fail("nested too deeply");
    while (true) {
      skip();
      if (end && take(end)) break;
      if (at_ == text_.size()) {
        if (end) return fail("an object that does not end");
        break;
      }
      if (text_.substr(at_).starts_with("include ")) {
        skip_line();
        continue;
      }
      if (!member(into)) return false;
    }
    --depth_;
    return true;
  }

  bool member(HoconMember& into) {
    HoconMember one{.line = line_};
    std::string name;
    bool in_quotes = peek() == '"';
    if (in_quotes) {
      if (!quoted(name)) return false;
    } else {
      name = plain(" \t\r\n:={}[],\"");
    }
    if (name.empty()) return fail("a name is missing");
    skip_blanks();
    bool assigned = take('=') || take(':');
    if (assigned) skip_blanks();
    while (assigned && peek() == '\n') ++line_, ++at_, skip_blanks();
    // A name with dots is a path: those before the last one are objects.
    HoconMember* parent = &into;
    if (!in_quotes) {
      for (size_t dot; (dot = name.find('.')) != name.npos; name.erase(0, dot + 1))
        parent =
            &parent->members.emplace_back(HoconMember{.name = name.substr(0, dot), .line = line_, .is_object = true});
    }
    one.name = std::move(name);
    if (take('{')) {
      one.is_object = true;
      if (!members(one, '}')) return false;
    } else if (!assigned) {
      return fail("\"" + one.name + "\" is followed by neither = nor {");
    } else if (!value(one)) {
      return false;
    }
    parent->members.push_back(std::move(one));
    return true;
  }

  bool value(HoconMember& into) {
    if (peek() == '"') return quoted(into.text);
    if (peek() == '[') {  // nothing that queues have; passed over
      int open = 0;
      do {
        open += (peek() == '[') - (peek() == ']');
        if (peek() == '\n') ++line_;
        ++at_;
      } while (open > 0 && at_ < text_.size());
      return open == 0 || fail("a list that does not end");
    }
    if (text_.substr(at_).starts_with("${")) {
      skip_line();
      into.text = "${";
      return true;
    }
    into.text = plain("\n,{}");
    return !into.text.empty() || fail("\"" + into.name + "\" has no value");
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1, depth_ = 0;
  std::string wrong_;
};

}  // namespace

const HoconMember* HoconMember::find(std::string_view wanted) const {
  const HoconMember* found = nullptr;
  for (const HoconMember& one : members)
    if (one.name == wanted) found = &one;  // of two, the last one holds
  return found;
}

std::expected<HoconMember, std::string> parse_hocon(std::string_view text) { return Parser(text).parse(); }

}  // namespace naru::sqs
