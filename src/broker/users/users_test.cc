#include "broker/users/users.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "broker/meta_store_testing.h"

namespace naru {
namespace {

struct UsersTest : testing::Test {
  MemoryMetaStore meta;
  Users users{meta};

  void SetUp() override { ASSERT_TRUE(users.load("/").take()); }
  void add(const std::string& name, const std::string& configure = ".*", const std::string& write = ".*",
           const std::string& read = ".*") {
    ASSERT_TRUE(users.put({.name = name, .password = hash_password(name)}).take());
    ASSERT_TRUE(users.allow({name, "/", {configure, write, read}}).take());
  }
  bool may(Operation operation, const char* name, const char* user = "ann") {
    return users.may(user, "/", operation, name);
  }
};

TEST_F(UsersTest, a_new_folder_has_guest_and_one_where_guest_was_deleted_has_not) {
  EXPECT_TRUE(users.login("guest", "guest"));
  EXPECT_TRUE(users.may("guest", "/", Operation::configure, "anything"));
  ASSERT_TRUE(users.remove("guest").take());
  Users later(meta);
  ASSERT_TRUE(later.load("/").take());
  EXPECT_FALSE(later.find("guest"));
  EXPECT_FALSE(later.may_enter("guest", "/"));
}

TEST_F(UsersTest, passwords_are_salted_and_an_empty_one_opens_nothing) {
  add("ann");
  EXPECT_TRUE(users.login("ann", "ann"));
  EXPECT_FALSE(users.login("ann", "Ann"));
  EXPECT_FALSE(users.login("ann", ""));
  EXPECT_FALSE(users.login("nobody", "ann"));
  EXPECT_NE(hash_password("same").bytes, hash_password("same").bytes);
  ASSERT_TRUE(users.put({.name = "locked"}).take());
  EXPECT_FALSE(users.login("locked", ""));
}

TEST_F(UsersTest, an_access_secret_is_kept_with_its_user) {
  add("ann");
  User ann = *users.find("ann");
  ann.access_secret = "s3cr3t/+";
  ASSERT_TRUE(users.put(ann).take());
  Users later(meta);
  ASSERT_TRUE(later.load("/").take());
  EXPECT_EQ(later.find("ann")->access_secret, "s3cr3t/+");
  EXPECT_TRUE(later.login("ann", "ann"));
  EXPECT_EQ(later.find("guest")->access_secret, "");
  ann.access_secret.clear();
  ASSERT_TRUE(later.put(ann).take());
  Users last(meta);
  ASSERT_TRUE(last.load("/").take());
  EXPECT_EQ(last.find("ann")->access_secret, "");
}

TEST_F(UsersTest, hashes_of_rabbitmq_are_understood) {
  // Made by RabbitMQ 3.10.8 of the password "limited".
  PasswordHash sha256{HashAlgorithm::sha256, *from_base64("bmFydfIvFAxBadrAcOQ/E7FnThAsaJViTxNhVM3iZTIyim4n")};
  EXPECT_TRUE(is_password(sha256, "limited"));
  EXPECT_FALSE(is_password(sha256, "Limited"));
  sha256.algorithm = HashAlgorithm::sha512;
  EXPECT_FALSE(is_password(sha256, "limited"));
}

TEST(pattern, says_when_so_many_steps_are_too_few_to_know) {
  auto pattern = Pattern::compile("^(a+)+$");
  ASSERT_TRUE(pattern);
  std::string many(60, 'a');
  EXPECT_EQ(pattern->matches_within(many, 10'000), true);
  EXPECT_EQ(pattern->matches_within("b", 10'000), false);
  EXPECT_EQ(pattern->matches_within(many + "b", 10'000), std::nullopt);
  EXPECT_FALSE(pattern->matches(many + "b"));
}

TEST_F(UsersTest, a_pattern_matches_anywhere_and_an_empty_one_nothing) {
  add("ann", "^mine", "", "q$|^other\\.");
  EXPECT_TRUE(may(Operation::configure, "mine.q"));
  EXPECT_FALSE(may(Operation::configure, "not-mine"));
  EXPECT_FALSE(may(Operation::write, "mine"));
  EXPECT_TRUE(may(Operation::write, ""));
  EXPECT_TRUE(may(Operation::read, "the-q"));
  EXPECT_TRUE(may(Operation::read, "other.x"));
  EXPECT_FALSE(may(Operation::read, "otherx"));
  EXPECT_FALSE(may(Operation::read, "q", "nobody"));
  EXPECT_FALSE(users.may("ann", "elsewhere", Operation::read, "q"));
}

TEST_F(UsersTest, a_pattern_that_never_ends_matches_nothing) {
  add("ann", "^(a+)+$");
  EXPECT_FALSE(may(Operation::configure, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
  EXPECT_TRUE(may(Operation::configure, "aaaa"));
}

TEST_F(UsersTest, what_is_no_pattern_is_refused) {
  ASSERT_TRUE(users.put({.name = "ann"}).take());
  EXPECT_EQ(users.allow({"ann", "/", {"(", ".*", ".*"}}).take().error().code, Code::invalid);
  EXPECT_FALSE(users.may_enter("ann", "/"));
  EXPECT_TRUE(problem(Permission{"ann", "/", {"(", "", ""}}));
  EXPECT_EQ(users.allow({"nobody", "/", {"", "", ""}}).take().error().code, Code::not_found);
}

TEST_F(UsersTest, topic_permissions_hold_for_their_exchange_and_know_who_asks) {
  add("a.b");
  ASSERT_TRUE(users.allow_topic({"a.b", "/", "amq.topic", "^{username}\\.", "^{vhost}"}).take());
  auto may = [&](Operation operation, const char* key, const char* exchange = "amq.topic") {
    return users.may_topic("a.b", "/", exchange, operation, key);
  };
  EXPECT_TRUE(may(Operation::write, "a.b.news"));
  EXPECT_FALSE(may(Operation::write, "axb.news"));  // a name is no pattern
  EXPECT_TRUE(may(Operation::read, "/x"));
  EXPECT_FALSE(may(Operation::read, "x"));
  EXPECT_TRUE(may(Operation::write, "x", "another"));
  EXPECT_TRUE(users.has_topic_permission("a.b", "/", "amq.topic"));
  EXPECT_FALSE(users.has_topic_permission("a.b", "/", "another"));
  ASSERT_TRUE(users.clear_topic("a.b", "/", "amq.topic").take());
  EXPECT_TRUE(may(Operation::write, "x"));
}

TEST_F(UsersTest, all_of_it_is_there_after_a_restart) {
  ASSERT_TRUE(users
                  .put({.name = "ann",
                        .password = hash_password("x"),
                        .tags = {"monitoring", "own"},
                        .limits = {{"max-connections", 3}, {"max-channels", -1}}})
                  .take());
  ASSERT_TRUE(users.allow({"ann", "/", {"^a", "", ".*"}}).take());
  ASSERT_TRUE(users.allow_topic({"ann", "/", "t", "^w", "^r"}).take());
  Users later(meta);
  ASSERT_TRUE(later.load("/").take());
  const User* ann = later.login("ann", "x");
  ASSERT_TRUE(ann);
  EXPECT_TRUE(ann->has_tag("own"));
  EXPECT_EQ(ann->limit("max-connections"), 3);
  EXPECT_EQ(ann->limit("max-channels"), std::nullopt);
  ASSERT_EQ(later.permissions().size(), 2u);
  EXPECT_EQ(later.permissions()[0].patterns, (std::array<std::string, 3>{"^a", "", ".*"}));
  EXPECT_FALSE(later.may_topic("ann", "/", "t", Operation::write, "x"));
}

TEST_F(UsersTest, a_user_goes_with_all_permissions_and_a_virtual_host_takes_its_own) {
  add("ann");
  add("bob");
  ASSERT_TRUE(users.allow({"bob", "other", {".*", ".*", ".*"}}).take());
  ASSERT_TRUE(users.allow_topic({"bob", "other", "t", "w", "r"}).take());
  std::string told;
  users.on_removed = [&](const std::string& user) { told = user; };
  ASSERT_TRUE(users.remove("ann").take());
  EXPECT_EQ(told, "ann");
  add("ann");
  EXPECT_EQ(users.remove("carl").take().error().code, Code::not_found);
  auto rows = users.rows_of_vhost("other");
  EXPECT_EQ(rows.size(), 2u);
  ASSERT_TRUE(meta.commit({}, rows).take());
  users.forget_vhost("other");
  EXPECT_FALSE(users.may_enter("bob", "other"));
  EXPECT_TRUE(users.may_enter("bob", "/"));
  Users later(meta);
  ASSERT_TRUE(later.load("/").take());
  EXPECT_FALSE(later.may_enter("bob", "other"));
}

TEST_F(UsersTest, every_change_raises_the_version_and_a_failed_one_changes_nothing) {
  add("ann");
  uint64_t before = users.version();
  ASSERT_TRUE(users.allow({"ann", "/", {"", "", ""}}).take());
  EXPECT_GT(users.version(), before);
  before = users.version();
  meta.is_full = true;
  EXPECT_EQ(users.put({.name = "bob"}).take().error().code, Code::full);
  EXPECT_EQ(users.remove("ann").take().error().code, Code::full);
  EXPECT_EQ(users.version(), before);
  EXPECT_TRUE(users.find("ann"));
  EXPECT_FALSE(users.find("bob"));
}

}  // namespace
}  // namespace naru
