// Boost.Asio and Boost.Beast for the few .cpp files that speak HTTP. Their non-template parts are compiled once, in
// beast.cpp, so every user must include them through this header.
#pragma once

#define BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_BEAST_SEPARATE_COMPILATION

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

namespace cella::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using UnixSocket = asio::local::stream_protocol::socket;

}  // namespace cella::api
