#include "netlink/sysctls.h"

#include "base/files.h"

namespace cella::netlink {
namespace {

const std::string kRoot = "/proc/sys/net/";

}  // namespace

Result<std::string> read_setting(const std::string& name) {
  std::string text = TRY(read_file(kRoot + name));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Result<void> write_setting(const std::string& name, std::string_view value) {
  return write_kernel_file(kRoot + name, value);
}

Result<void> write_link_setting(IpFamily family, const std::string& link, const std::string& key,
                                std::string_view value) {
  const std::string folder = family == IpFamily::kV4 ? "ipv4" : "ipv6";
  auto written = write_setting(folder + "/conf/" + link + "/" + key, value);
  if (!written.ok() && value == "0" && !path_exists(kRoot + folder)) return kOk;
  return written;
}

}  // namespace cella::netlink
