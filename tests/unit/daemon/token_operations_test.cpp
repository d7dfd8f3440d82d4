// Operations whose metadata holds a secret: who gets to see them.
#include <gtest/gtest.h>

#include "daemon/image_secrets.h"
#include "daemon/join_tokens.h"
#include "manager/events.h"

namespace cella::daemon {
namespace {

class TokenOperations : public ::testing::Test {
 protected:
  manager::Events events_;
  manager::Operations operations_{events_};
};

TEST_F(TokenOperations, TrustIsOfNoProject) {
  JoinTokens tokens(operations_);
  const auto id = tokens.create({.name = "laptop"}, {{"192.0.2.1:8443"}, "fingerprint"}, std::nullopt);
  EXPECT_EQ(operations_.find(id)->project, "") << "a client of the default project could make itself an administrator";
}

TEST_F(TokenOperations, AnImageSecretIsOfTheImagesProject) {
  ImageSecrets secrets(operations_);
  EXPECT_EQ(operations_.find(secrets.create("fingerprint", "web"))->project, "web");
}

}  // namespace
}  // namespace cella::daemon
