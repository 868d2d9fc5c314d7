#include "broker/routing/topic.h"

#include <unordered_set>

#include "base/hash.h"

namespace naru {
namespace {

/// Calls `take` with each word. No word for an empty key.
template <class Take>
void split(std::string_view key, Take take) {
  if (key.empty()) return;
  while (true) {
    size_t dot = key.find('.');
    take(key.substr(0, dot));
    if (dot == std::string_view::npos) return;
    key.remove_prefix(dot + 1);
  }
}

uint64_t edge_hash(uint32_t from, uint64_t word_hash) { return mix64(word_hash + from); }

}  // namespace

TopicBindings::Edge TopicBindings::edge_of(std::string_view word) {
  return word == "*" ? Edge::star : word == "#" ? Edge::hash : Edge::word;
}

TopicBindings::NodeId TopicBindings::child(NodeId of, std::string_view word, uint64_t word_hash) const {
  if (nodes_[of].children == 0) return no_node;
  auto is_it = [&](NodeId id) { return nodes_[id].parent == of && nodes_[id].word == word; };
  return edges_.find(edge_hash(of, word_hash), is_it).value_or(no_node);
}

TopicBindings::NodeId TopicBindings::find_child(NodeId of, std::string_view word) const {
  switch (edge_of(word)) {
    case Edge::star: return nodes_[of].star;
    case Edge::hash: return nodes_[of].hash;
    case Edge::word: break;
  }
  return child(of, word, hash64(view(word)));
}

TopicBindings::NodeId TopicBindings::make_child(NodeId of, std::string_view word) {
  if (NodeId there = find_child(of, word); there != no_node) return there;
  auto made = static_cast<NodeId>(nodes_.size());
  if (free_.empty())
    nodes_.emplace_back();
  else
    made = free_.back(), free_.pop_back();
  Node &node = nodes_[made], &parent = nodes_[of];
  node.parent = of;
  node.edge = edge_of(word);
  node.word = word;
  node.below_hash = parent.below_hash || parent.edge == Edge::hash;
  switch (node.edge) {
    case Edge::star: parent.star = made; break;
    case Edge::hash: parent.hash = made; break;
    case Edge::word: edges_.add(edge_hash(of, hash64(view(word))), made); ++parent.children;
  }
  return made;
}

void TopicBindings::drop_leaf(NodeId id) {
  Node &node = nodes_[id], &parent = nodes_[node.parent];
  switch (node.edge) {
    case Edge::star: parent.star = no_node; break;
    case Edge::hash: parent.hash = no_node; break;
    case Edge::word: edges_.erase(edge_hash(node.parent, hash64(view(node.word))), id); --parent.children;
  }
  node = Node();
  free_.push_back(id);
}

void TopicBindings::add(std::string_view key, FieldTableView, Destination destination) {
  NodeId at = root;
  split(key, [&](std::string_view word) { at = make_child(at, word); });
  nodes_[at].here.add(destination);
}

bool TopicBindings::remove(std::string_view key, FieldTableView, Destination destination) {
  NodeId at = root;
  bool there = true;
  split(key, [&](std::string_view word) {
    if (there) at = find_child(at, word), there = at != no_node;
  });
  if (!there || !nodes_[at].here.remove(destination)) return false;
  while (at != root) {
    const Node& node = nodes_[at];
    if (!node.here.empty() || node.children > 0 || node.star != no_node || node.hash != no_node) break;
    NodeId parent = node.parent;
    drop_leaf(at);
    at = parent;
  }
  return true;
}

/// The words of one message's key on their way through the trie. Recursion is as deep as binding keys are long.
class TopicBindings::Walk {
 public:
  Walk(const TopicBindings& trie, std::vector<Destination>& to) : trie_(trie), to_(to) {}

  void run(std::string_view key) {
    split(key, [&](std::string_view text) {
      Word word{text, hash64(view(text))};
      if (count_ < few_max)
        few_[count_] = word;
      else if (count_ == few_max)
        many_.assign(few_, few_ + few_max), many_.push_back(word);
      else
        many_.push_back(word);
      ++count_;
    });
    words_ = many_.empty() ? few_ : many_.data();
    reach(root, 0);
  }

 private:
  struct Word {
    std::string_view text;
    uint64_t hash;
  };
  static constexpr size_t few_max = 16;

  /// `id` is reached when `taken` words are. A # reaches, with every further word, its children again.
  void reach(NodeId id, size_t taken) {
    const Node& node = trie_.nodes_[id];
    if (node.edge != Edge::hash) {
      if (taken == count_) node.here.append_to(to_);
      return go_on(node, id, taken);
    }
    // The first way here takes the fewest words. From there everything was tried that another way could find.
    if (node.below_hash && !reached_.insert(id).second) return;
    node.here.append_to(to_);
    for (size_t more = taken; more <= count_; ++more) go_on(node, id, more);
  }

  void go_on(const Node& node, NodeId id, size_t taken) {
    if (node.hash != no_node) reach(node.hash, taken);
    if (taken == count_) return;
    if (NodeId next = trie_.child(id, words_[taken].text, words_[taken].hash); next != no_node) reach(next, taken + 1);
    if (node.star != no_node) reach(node.star, taken + 1);
  }

  const TopicBindings& trie_;
  std::vector<Destination>& to_;
  Word few_[few_max];
  std::vector<Word> many_;
  const Word* words_ = nullptr;
  size_t count_ = 0;
  std::unordered_set<NodeId> reached_;
};

void TopicBindings::match_key(std::string_view key, std::vector<Destination>& to) const { Walk(*this, to).run(key); }

void TopicBindings::match(const RoutedMessage& message, std::vector<Destination>& to) const {
  match_key(message.routing_key, to);
  for (std::string_view key : message.more_keys) match_key(key, to);
}

}  // namespace naru
