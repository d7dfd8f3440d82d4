// Where images are downloaded from: other servers, simplestreams servers, addresses of single images.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/client.h"
#include "base/result.h"
#include "manager/image.h"
#include "manager/operations.h"

namespace cella::daemon {

// Which image a client asks for.
struct ImageRequest {
  std::string server;       // "https://192.0.2.1:8443"; kDirect: the image's address
  std::string protocol;     // empty or "lxd", "simplestreams", "direct"
  std::string certificate;  // PEM of that server; empty: the system's authorities vouch for it
  std::string fingerprint;  // whole or the beginning of one; empty: by alias
  std::string alias;
  std::string secret;  // for an image that is not public
  std::string project;
};

struct FoundImage {
  std::string fingerprint;  // 64 hexadecimal digits: what the digest of the files must be
  std::string filename;
  std::map<std::string, std::string> properties;
  std::optional<manager::Timestamp> expires_at;
};

// One image at one place. Not thread-safe. Everything may block on the network.
class ImageSource {
 public:
  virtual ~ImageSource() = default;
  // Errors: kNotFound, kDenied (another certificate), kIo; kInvalid for an answer that makes no sense.
  virtual Result<FoundImage> find() = 0;
  // After find(). Writes the image's files into `directory` and sets the upload's paths, also to files that are not whole
  // when it fails: they are the caller's to discard. Tells its progress as "download_progress". Nothing is verified but
  // the lengths. Errors: as above, kCancelled, kNoSpace.
  virtual Result<void> download(const std::string& directory, manager::ImageUpload& upload,
                                const manager::OperationHandle& operation) = 0;
};

// Errors: kInvalid naming the address or what is missing; kUnsupported naming the protocol. Nothing is connected to.
Result<std::unique_ptr<ImageSource>> open_image_source(const ImageRequest& request);

Result<std::unique_ptr<ImageSource>> open_server_source(const ImageRequest& request);
std::unique_ptr<ImageSource> make_stream_source(const ImageRequest& request);
std::unique_ptr<ImageSource> make_direct_source(const ImageRequest& request);

// "rootfs: 42% (3.10MB/s)", at most four times a second; false when the operation is to be cancelled.
api::TransferProgress download_progress(const manager::OperationHandle& operation);
// A new file for a download, whose path is stored in `path`.
Result<Fd> create_download(const std::string& directory, std::string& path);

}  // namespace cella::daemon
