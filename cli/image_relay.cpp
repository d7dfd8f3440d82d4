#include "cli/image_relay.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <future>
#include <thread>

#include "api/codec.h"
#include "base/fd.h"
#include "base/files.h"

namespace cella::cli {
namespace {

std::string aliases_query(const std::vector<api::ImageAlias>& aliases) {
  std::string query;
  for (const api::ImageAlias& alias : aliases) {
    query += (query.empty() ? "alias=" : "&alias=") + api::percent_encode(alias.name);
  }
  return query;
}

// The body as it comes from the source goes through a pipe to the target, with the same type: a split image's parts keep
// their boundary.
class Passage {
 public:
  Passage(api::Client& from, const std::string& target, Fd to)
      : thread_([this, &from, target, to = std::move(to)]() mutable {
          outcome_ = run(from, target, to);
          if (!told_) type_.set_value("");
        }) {}
  ~Passage() {
    if (thread_.joinable()) thread_.join();
  }
  // Waits for the answer's head; "" when there is none.
  std::string content_type() { return type_.get_future().get(); }
  // After the other end of the pipe was closed or read to its end.
  Result<void> finish() {
    thread_.join();
    return outcome_;
  }

 private:
  Result<void> run(api::Client& from, const std::string& target, Fd& to) {
    TRY(from.download({.method = "GET", .target = target, .body = {}, .headers = {}},
                      [&](std::string_view piece) { return write_all(to, piece); }, {},
                      [this](const api::HttpAnswer& answer) -> Result<void> {
                        told_ = true;
                        type_.set_value(answer.header("Content-Type"));
                        return kOk;
                      }));
    to.reset();
    return kOk;
  }

  std::promise<std::string> type_;
  bool told_ = false;
  Result<void> outcome_ = kOk;
  std::thread thread_;
};

Result<std::size_t> read_pipe(const Fd& pipe, char* buffer, std::size_t capacity) {
  for (;;) {
    const ssize_t count = ::read(pipe.get(), buffer, capacity);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return errno_error(errno, "read image");
  }
}

}  // namespace

Result<void> relay_image(Server& source, Server& target, const api::Image& image, const api::ImageCreate& create) {
  std::signal(SIGPIPE, SIG_IGN);  // a target that says no early
  Pipe pipe = TRY(make_pipe());
  api::Client* from = TRY(source.client());
  api::Client* to = TRY(target.client());
  Passage passage(*from, url({"images", image.fingerprint, "export"}), std::move(pipe.write_end));
  api::Upload body;
  body.content_type = passage.content_type();
  body.source = [&](char* buffer, std::size_t capacity) { return read_pipe(pipe.read_end, buffer, capacity); };
  api::Request request{.method = "POST", .target = "/1.0/images", .body = {}, .headers = {}};
  request.headers = {{"X-LXD-fingerprint", image.fingerprint},
                     {"X-LXD-filename", image.filename},
                     {"X-LXD-public", create.is_public ? "true" : "false"},
                     {"X-LXD-aliases", aliases_query(create.aliases)}};
  const auto uploaded = body.content_type.empty() ? Result<api::Answer>(Error(ErrorKind::kIo, "no image came"))
                                                  : to->upload(request, body);
  pipe.read_end.reset();
  const Result<void> downloaded = passage.finish();
  // A download that broke off makes an upload that is not whole, which the target refuses with reasons of its own.
  if (!downloaded.ok() && downloaded.error().errno_value() != EPIPE) return downloaded;
  TRY(target.wait(TRY(uploaded), "Copying the image"));
  return kOk;
}

}  // namespace cella::cli
