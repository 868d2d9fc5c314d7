#pragma once
// Topic exchanges: keys are words between dots; in a binding, * stands for one word and # for any number of words.
//
// The binding keys form a trie, whose edges by words are in one hash table. The empty key has no words; "a." has two,
// the second of them empty.
#include "broker/routing/bindings.h"

namespace naru {

class TopicBindings final : public Bindings {
 public:
  TopicBindings() : nodes_(1) {}
  void add(std::string_view key, FieldTableView, Destination destination) override;
  bool remove(std::string_view key, FieldTableView, Destination destination) override;
  void match(const RoutedMessage& message, std::vector<Destination>& to) const override;

  /// How many there are, the root included.
  size_t nodes() const { return nodes_.size() - free_.size(); }

 private:
  using NodeId = uint32_t;
  static constexpr NodeId root = 0, no_node = 0;  // nothing leads to the root

  enum class Edge : uint8_t { word, star, hash };
  struct Node {
    NodeId parent = no_node, star = no_node, hash = no_node;
    uint32_t children = 0;    // by words; star and hash not counted
    Edge edge = Edge::word;   // that leads here
    bool below_hash = false;  // whether a # leads here from further up: then there may be several ways
    std::string word;         // of the edge
    Destinations here;
  };
  class Walk;

  static Edge edge_of(std::string_view word);
  /// By a word of a message's key.
  NodeId child(NodeId of, std::string_view word, uint64_t word_hash) const;
  /// By a word of a binding's key.
  NodeId find_child(NodeId of, std::string_view word) const;
  NodeId make_child(NodeId of, std::string_view word);
  void drop_leaf(NodeId node);
  void match_key(std::string_view key, std::vector<Destination>& to) const;

  std::vector<Node> nodes_;
  std::vector<NodeId> free_;
  FlatIndex edges_;  // of words
};

}  // namespace naru
