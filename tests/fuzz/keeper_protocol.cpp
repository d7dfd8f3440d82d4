// Messages between daemon and keeper.
#include "runtime/exec_plan.h"
#include "runtime/protocol_messages.h"
#include "runtime/protocol_plan.h"
#include "tests/fuzz/target.h"

namespace cella::runtime::protocol {
namespace {

// A body has one encoding: what decodes encodes to the same bytes.
template <typename Body>
void check(const Header& header, std::string_view message) {
  const Result<Body> body = decode_body<Body>(header.kind, message);
  if (!body.ok()) return;
  fuzz::require(encode(header.kind, header.id, *body).substr(kHeaderSize) == message.substr(kHeaderSize),
                "a message has one encoding");
}

template <typename... Bodies>
void check_all(const Header& header, std::string_view message) {
  (check<Bodies>(header, message), ...);
}

void check_plans(const Header& header, std::string_view message) {
  const auto launch = decode_launch(message);
  if (launch.ok()) {
    const auto again = encode_launch(header.id, launch->name, launch->plan);
    fuzz::require(again.ok() && again->substr(kHeaderSize) == message.substr(kHeaderSize), "a plan has one encoding");
    (void)check_launch_plan(launch->plan, 4);
    (void)launch_error(launch->plan, {.step = LaunchStep::kMounts, .errno_value = 1, .index = 7});
  }
  const auto exec = decode_exec(message);
  if (exec.ok()) {
    const auto again = encode_exec(header.id, exec->name, exec->id, exec->plan);
    fuzz::require(again.ok() && again->substr(kHeaderSize) == message.substr(kHeaderSize), "a plan has one encoding");
    (void)check_exec_plan(exec->plan);
    (void)exec_error(exec->plan, {.step = ExecStep::kExecute, .errno_value = 2});
  }
}

}  // namespace

FUZZ_TARGET(keeper_protocol) {
  const auto header = decode_header(text);
  if (!header.ok() || text.size() > kMaxMessage) return;
  check_all<Welcome, Failed, Named, LaunchAnswer, ExecAnswer, Session, SignalContainer, SignalSession>(*header, text);
  check_all<Acknowledge, ListAfter, Listed, Handles, AttachConsole, ResizeConsole, Adopt, Adopted>(*header, text);
  check_all<ChangePath, CreateDevice, ShutdownHow, ContainerExit, ExecExit>(*header, text);
  check_plans(*header, text);
}

}  // namespace cella::runtime::protocol
