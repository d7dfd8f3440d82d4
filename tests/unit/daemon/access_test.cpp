#include "daemon/access.h"

#include <gtest/gtest.h>

#include "api/x509.h"
#include "daemon/https_listener.h"
#include "manager/database.h"
#include "manager/events.h"

namespace cella::daemon {
namespace {

class Authorization : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::array schemas{manager::certificate_schema()};
    database_ = *manager::Database::open(":memory:", schemas);
    store_ = *manager::Certificates::load(*database_);
    der_ = *api::der_of_pem(api::generate_key_pair("x", api::KeyPairUse::kClient)->certificate);
  }
  void trust(manager::CertificateType type, bool restricted, std::vector<std::string> projects) {
    ASSERT_TRUE(store_->add({api::fingerprint_of_der(der_), "x", type, restricted, std::move(projects), "pem"}).ok());
  }
  bool may(const std::string& method, const std::string& path, const std::string& project = "") {
    Request request;
    request.method = method;
    request.path = path;
    if (!project.empty()) request.query.emplace_back("project", project);
    request.peer.certificate = der_;
    return authorize(request, *store_, operations_).ok();
  }

  std::unique_ptr<manager::Database> database_;
  std::unique_ptr<manager::Certificates> store_;
  manager::Events events_;
  manager::Operations operations_{events_};
  std::string der_;
};

TEST_F(Authorization, AStrangerSeesTheStartAndPublicImages) {
  for (const char* path :
       {"/", "/1.0", "/1.0/images", "/1.0/images/abc", "/1.0/images/abc/export", "/1.0/images/aliases/a%2Fb"}) {
    EXPECT_TRUE(may("GET", path)) << path;
  }
  EXPECT_TRUE(may("POST", "/1.0/certificates"));
  for (const char* path :
       {"/1.0/instances", "/1.0/certificates", "/1.0/images/abc/secret", "/1.0/operations",
        "/1.0/operations/x/websocket", "/1.0/metrics", "/1.0%2finstances", "/2.0", "/1.0//instances"}) {
    EXPECT_FALSE(may("GET", path)) << path;
  }
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) EXPECT_FALSE(may(method, "/1.0/images/abc")) << method;
}

TEST_F(Authorization, ATrustedClientMayEverything) {
  trust(manager::CertificateType::kClient, false, {});
  EXPECT_TRUE(may("PUT", "/1.0"));
  EXPECT_TRUE(may("DELETE", "/1.0/instances/c1", "any"));
}

TEST_F(Authorization, ARestrictedClientHasItsProjectsOnly) {
  trust(manager::CertificateType::kClient, true, {"web"});
  EXPECT_TRUE(may("DELETE", "/1.0/instances/c1", "web"));
  EXPECT_FALSE(may("GET", "/1.0/instances/c1"));
  EXPECT_FALSE(may("GET", "/1.0/instances/c1", "default"));
  EXPECT_TRUE(may("GET", "/1.0/storage-pools", "web"));
  EXPECT_FALSE(may("POST", "/1.0/storage-pools", "web"));
  EXPECT_TRUE(may("POST", "/1.0/storage-pools/p/volumes/custom", "web"));
  EXPECT_FALSE(may("PUT", "/1.0"));
  EXPECT_FALSE(may("POST", "/1.0/certificates"));
  EXPECT_FALSE(may("GET", "/1.0/projects/default"));
  EXPECT_FALSE(may("GET", "/1.0/operations/unknown"));
  EXPECT_FALSE(may("GET", "/1.0/anything-new", "web")) << "denied by default";
}

TEST_F(Authorization, AMetricsCertificateGivesMetricsOnly) {
  trust(manager::CertificateType::kMetrics, false, {});
  EXPECT_TRUE(may("GET", "/1.0/metrics"));
  EXPECT_FALSE(may("GET", "/1.0/instances"));
}

TEST(BodyCheck, ARestrictedClientCannotNameAnotherProject) {
  Request request;
  request.access = {Access::Level::kRestricted, {"web"}, "f"};
  for (const char* body :
       {R"({"name":"a"})", R"({"project":"web"})", R"({"source":{"project":"web"}})", R"({"project":""})"}) {
    request.body = body;
    EXPECT_TRUE(check_body(request, request.body).ok()) << body;
  }
  for (const char* body : {R"({"project":"default"})", R"({"source":{"project":"default"}})", R"({"project":7})"}) {
    request.body = body;
    EXPECT_FALSE(check_body(request, request.body).ok()) << body;
  }
}

TEST(ListenAddress, IsParsed) {
  EXPECT_EQ(parse_listen_address("[::]:8443")->host, "::");
  EXPECT_EQ(parse_listen_address("192.0.2.1")->port, 8443);
  EXPECT_EQ(parse_listen_address(":99")->port, 99);
  EXPECT_EQ(parse_listen_address(":99")->host, "");
  EXPECT_EQ(parse_listen_address("::1")->host, "::1");
  for (const char* text : {"name:1", "1.2.3.4:0", "1.2.3.4:99999", "[::1", "[::1]x", "1.2.3.4:", "[::]:"}) {
    EXPECT_FALSE(parse_listen_address(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cella::daemon
