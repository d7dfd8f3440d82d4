// Fetching an image from another server.
#pragma once

#include <string>

#include "api/image.h"
#include "base/result.h"
#include "manager/images.h"
#include "manager/operations.h"

namespace cella::daemon {

struct PullSource {
  std::string server;       // "https://192.0.2.1:8443"
  std::string certificate;  // PEM of exactly that server; empty: the system's authorities vouch for it
  std::string fingerprint;  // whole or the beginning of one; empty: by alias
  std::string alias;
  std::string secret;  // for an image that is not public
  std::string project;
};

// Downloads the image's files into `directory` and fills the upload's paths, file name, fingerprint and properties; the
// fingerprint is what the import must find the files' digest to be. Tells its progress as "download_progress".
// Errors: kInvalid naming the address, kNotFound, kDenied (another certificate), kIo, kCancelled; the files are gone
// then.
Result<void> pull_image(const PullSource& source, const std::string& directory, manager::ImageUpload& upload,
                        const manager::OperationHandle& operation);

// POST /1.0/images with source.type "image": an operation that pulls and imports. Errors: kInvalid, kUnsupported naming
// the member. What it is given outlives the operation.
Result<manager::OperationId> start_pull(manager::Images& images, manager::Operations& operations,
                                        const api::ImageCreate& body);

}  // namespace cella::daemon
