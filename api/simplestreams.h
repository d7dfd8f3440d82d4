// The simplestreams format, in which image servers list what they have: streams/v1/index.json names product files, and
// those the images. Read with bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/image.h"
#include "base/result.h"

namespace cella::api {

// Where the index is, below the server's address, and how long it and a product file may be.
inline constexpr std::string_view kStreamIndexPath = "streams/v1/index.json";
inline constexpr std::uint64_t kMaxStreamBytes = 32u << 20;

struct StreamFile {
  std::string path;  // below the server's address
  std::uint64_t size = 0;
  std::string sha256;  // empty: not told
};

// One image: what GET /1.0/images/FINGERPRINT would say about it, and its files.
struct StreamImage {
  Image image;  // aliases: also those with "/ARCHITECTURE" behind
  StreamFile metadata;               // or the unified tarball
  std::optional<StreamFile> rootfs;  // split images
};

// Paths of the product files with images. Errors: kInvalid saying what is wrong.
Result<std::vector<std::string>> parse_stream_index(std::string_view json);
// The images of containers in one product file; entries that are none or are incomplete are passed over.
// Errors: kInvalid saying what is wrong.
Result<std::vector<StreamImage>> parse_stream_products(std::string_view json);

// Newest first; only the newest image with an alias keeps it, one with a squashfs before others.
void settle_stream_aliases(std::vector<StreamImage>& images);

// By alias (those for this architecture first), else by fingerprint or a prefix of one that fits only one.
// Errors: kNotFound; kInvalid when several fit.
Result<StreamImage> find_stream_image(const std::vector<StreamImage>& images, const std::string& name,
                                      const std::string& architecture);

// BASE/path. Errors: kInvalid for a path that leads elsewhere ("..", "//", a scheme).
Result<std::string> stream_url(const std::string& base, const std::string& path);

// Everything a server has, settled. certificate: PEM to believe; empty: the system's authorities. Errors: as web_get().
Result<std::vector<StreamImage>> fetch_stream_images(const std::string& server, const std::string& certificate);

}  // namespace cella::api
