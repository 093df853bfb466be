#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "remediations/machine/network.hpp"

namespace machine {

using HttpMessage = boost::beast::http::request<boost::beast::http::empty_body>;

struct HttpExchange {
    boost::system::error_code error;
    bool sent = false;
    HttpResponse response;
};

/// Sends the request and reads one answer, over a socket or (in tests) any other Asio stream. Beast limits the headers
/// of an answer to 8 KiB, `body_limit` limits its body (bytes).
template <class Stream>
boost::asio::awaitable<HttpExchange> exchange(Stream& stream, const HttpMessage& message, std::size_t body_limit) {
    namespace http = boost::beast::http;
    constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);
    HttpExchange done;
    const auto [write_error, written] = co_await http::async_write(stream, message, as_result);
    if (write_error) {
        done.error = write_error;
        co_return done;
    }
    done.sent = true;
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(body_limit);
    const auto [read_error, count] = co_await http::async_read(stream, buffer, parser, as_result);
    done.error = read_error;
    if (!read_error) {
        auto& response = parser.get();
        done.response = {response.result_int(), std::move(response.body()), std::string(response[http::field::date])};
    }
    co_return done;
}

}  // namespace machine
