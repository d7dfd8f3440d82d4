// Apart from the rest because <linux/tcp.h>, which has the counter, clashes with <netinet/tcp.h>.
#include "daemon/tcp_progress.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace cella::daemon {

std::uint64_t bytes_acknowledged(int socket) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
  return info.tcpi_bytes_acked;
}

}  // namespace cella::daemon
