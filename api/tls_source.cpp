// The one place where Asio's TLS code is compiled.
#include "api/stream.h"

#include <boost/asio/ssl/impl/src.hpp>
