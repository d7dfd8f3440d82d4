#include "api/web.h"

#include <curl/curl.h>
#include <strings.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>

#include "base/files.h"

namespace cella::api {
namespace {

constexpr int kAttemptsWithoutBytes = 3;
constexpr long kConnectSeconds = 30;
// Slower than this for so long, and the connection counts as broken.
constexpr long kStallBytesPerSecond = 1;
constexpr long kStallSeconds = 60;

struct Cleanup {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Transfer {
  CURL* curl = nullptr;
  std::function<Result<void>(std::string_view)> sink;
  TransferProgress progress;
  std::uint64_t offset = 0;    // asked for from here
  std::uint64_t received = 0;  // of this attempt
  std::uint64_t limit = 0;
  Headers headers;
  Result<void> outcome = kOk;  // of the sink
};

long status_of(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) transfer.headers.clear();  // that of a redirect is over
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' ')) value.remove_suffix(1);
  transfer.headers.emplace_back(line.substr(0, colon), value);
  return size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::size_t bytes = size * count;
  const long status = status_of(transfer.curl);
  if (status >= 300) return bytes;  // an error's or redirect's text
  if (transfer.offset > 0 && status != 206) {
    transfer.outcome = Error(ErrorKind::kUnsupported, "the server does not continue downloads");
    return 0;
  }
  if (transfer.offset + transfer.received + bytes > transfer.limit) {
    transfer.outcome =
        Error(ErrorKind::kNoSpace, "longer than the limit of " + std::to_string(transfer.limit) + " bytes");
    return 0;
  }
  transfer.outcome = transfer.sink({data, bytes});
  if (!transfer.outcome.ok()) return 0;
  transfer.received += bytes;
  return bytes;
}

int on_progress(void* context, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!transfer.progress) return 0;
  const std::uint64_t whole = total > 0 ? static_cast<std::uint64_t>(total) + transfer.offset : 0;
  if (transfer.progress(transfer.offset + transfer.received, whole)) return 0;
  transfer.outcome = Error(ErrorKind::kCancelled, "download");
  return 1;
}

Error failure_of(CURLcode code, long status, const std::string& url, const char* text) {
  if (code == CURLE_OK) {
    const auto kind = status == 404 || status == 410 ? ErrorKind::kNotFound : ErrorKind::kIo;
    return Error(kind, url + ": HTTP status " + std::to_string(status));
  }
  const bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR;
  std::string reason = *text != '\0' ? text : curl_easy_strerror(code);
  return Error(untrusted ? ErrorKind::kDenied : ErrorKind::kIo, url + ": " + reason);
}

// Whether the connection broke, as opposed to an answer that says no.
bool is_broken(CURLcode code) {
  return code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
         code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING || code == CURLE_HTTP2 ||
         code == CURLE_HTTP2_STREAM || code == CURLE_COULDNT_CONNECT;
}

enum class Method : std::uint8_t { kGet, kHead };

class Session {
 public:
  static Result<Session> open(const WebRequest& request, Method method) {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (global != CURLE_OK) return Error(ErrorKind::kInternal, curl_easy_strerror(global));
    if (!request.url.starts_with("https://")) return invalid_value("url", request.url, "must start with https://");
    Session session;
    session.curl_.reset(curl_easy_init());
    if (!session.curl_) return Error(ErrorKind::kInternal, "curl_easy_init");
    session.prepare(request, method);
    return session;
  }

  // Once; the answer's headers are in transfer.headers.
  CURLcode perform(Transfer& transfer) {
    CURL* curl = curl_.get();
    transfer.curl = curl;
    text_[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.offset));
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
    return curl_easy_perform(curl);
  }
  long status() const { return status_of(curl_.get()); }
  const char* text() const { return text_.get(); }
  std::string url() const {
    const char* url = nullptr;
    curl_easy_getinfo(curl_.get(), CURLINFO_EFFECTIVE_URL, &url);
    return url == nullptr ? std::string() : url;
  }

 private:
  void prepare(const WebRequest& request, Method method) {
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "cella");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text_.get());
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    if (method == Method::kHead) curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (!request.certificate.empty()) {
      certificate_ = request.certificate;
      curl_blob blob{certificate_.data(), certificate_.size(), CURL_BLOB_COPY};
      curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    }
    for (const auto& [name, value] : request.headers) {
      headers_.reset(curl_slist_append(headers_.release(), (name + ": " + value).c_str()));
    }
    if (headers_) curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
  }

  std::unique_ptr<char[]> text_ = std::make_unique<char[]>(CURL_ERROR_SIZE);
  std::string certificate_;
  std::unique_ptr<curl_slist, Cleanup> headers_;
  std::unique_ptr<CURL, Cleanup> curl_;
};

Result<WebAnswer> perform_once(const WebRequest& request, Method method) {
  Session session = TRY(Session::open(request, method));
  WebAnswer answer;
  Transfer transfer;
  transfer.limit = request.limit;
  transfer.sink = [&](std::string_view piece) -> Result<void> {
    answer.body += piece;
    return kOk;
  };
  const CURLcode code = session.perform(transfer);
  if (!transfer.outcome.ok()) return std::move(transfer.outcome).error().with_context(request.url);
  if (code != CURLE_OK || session.status() >= 300) return failure_of(code, session.status(), request.url, session.text());
  answer.url = session.url();
  answer.headers = std::move(transfer.headers);
  return answer;
}

Result<void> truncate(const Fd& file) {
  if (::ftruncate(file.get(), 0) != 0) return errno_error(errno, "truncate download");
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return errno_error(errno, "seek download");
  return kOk;
}

}  // namespace

std::string WebAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && ::strncasecmp(key.data(), name.data(), name.size()) == 0) return value;
  }
  return {};
}

Result<WebAnswer> web_get(const WebRequest& request) { return perform_once(request, Method::kGet); }

Result<WebAnswer> web_head(const WebRequest& request) { return perform_once(request, Method::kHead); }

Result<WebAnswer> web_download(const WebRequest& request, const Fd& file, const TransferProgress& progress) {
  Session session = TRY(Session::open(request, Method::kGet));
  Transfer transfer;
  transfer.limit = request.limit;
  transfer.progress = progress;
  transfer.sink = [&](std::string_view piece) { return write_all(file, piece); };
  const off_t present = ::lseek(file.get(), 0, SEEK_END);
  if (present < 0) return errno_error(errno, "seek download");
  transfer.offset = static_cast<std::uint64_t>(present);
  for (int without_bytes = 0;;) {
    const CURLcode code = session.perform(transfer);
    if (!transfer.outcome.ok() && transfer.outcome.error().kind() == ErrorKind::kUnsupported) {
      TRY(truncate(file));
      transfer.outcome = kOk;
      transfer.offset = 0;
      if (++without_bytes < kAttemptsWithoutBytes) continue;
    }
    if (!transfer.outcome.ok()) return std::move(transfer.outcome).error().with_context(request.url);
    if (code == CURLE_OK && session.status() < 300) break;
    without_bytes = transfer.received > 0 ? 0 : without_bytes + 1;
    if (!is_broken(code) || without_bytes == kAttemptsWithoutBytes) {
      return failure_of(code, session.status(), request.url, session.text());
    }
    transfer.offset += std::exchange(transfer.received, 0);
  }
  return WebAnswer{session.url(), std::move(transfer.headers), {}};
}

}  // namespace cella::api
