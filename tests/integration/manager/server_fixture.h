// A manager of its own in a temporary state directory, a network namespace and a mount namespace, with an overlay pool,
// a bridge and a busybox image.
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/events.h"
#include "manager/images.h"
#include "manager/instances.h"
#include "manager/networks.h"
#include "manager/operations.h"
#include "manager/pools.h"
#include "manager/profiles.h"
#include "manager/server.h"

namespace cella::manager::test {

// Everything happens on one thread that has left the host's namespaces; threads of the server inherit them from it.
class ServerTest : public testing::Test {
 protected:
  // Names of instances begin with this, so that left-overs are told from others'.
  static constexpr const char* kPrefix = "cmt-";

  void SetUp() override;
  void TearDown() override;

  // Runs the body of a test in the private namespaces, then checks that nothing is left over.
  void in_private_host(const std::function<void()>& body);

  void open_server();
  void close_server() { server_.reset(); }
  // Makes pool, network, default profile and image: what `admin init` and `image import` do.
  void set_up_host();

  // Waits for the operation; the test fails when the operation did.
  void finish(const Result<OperationId>& operation);
  // The error of an operation that is expected to fail.
  std::string failure(const Result<OperationId>& operation);

  void create(const std::string& name, const InstancePut& put = {});
  void change(const std::string& name, StateAction action, bool force = false);
  // Output and status of a command in the instance.
  struct Ran {
    int wait_status = -1;
    std::string output;
  };
  Ran exec(const std::string& name, std::vector<std::string> command);
  // Waits until check holds, looking again after each event of the server; fails after 20 s.
  void eventually(const char* what, const std::function<bool()>& check);

  ServerOptions options() const;
  const std::string& dir() const { return dir_; }
  std::string fingerprint_;
  std::unique_ptr<Server> server_;

 private:
  void import_image();
  void tear_down_host();
  void check_leftovers();
  std::string dir_;
  Events::Subscription log_;  // what the server logs, on the standard error
};

}  // namespace cella::manager::test
