#include "remediations/machine/http_probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>
#include <string_view>

#include "remediations/machine/http_exchange.hpp"

namespace machine {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t body_limit = std::size_t{1} << 20;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

ErrorKind kind_of(const boost::system::error_code& error) {
    namespace errors = asio::error;
    if (error == errors::connection_refused) {
        return ErrorKind::refused;
    }
    if (error == errors::timed_out) {
        return ErrorKind::timed_out;
    }
    if (error == errors::network_unreachable || error == errors::host_unreachable || error == errors::network_down) {
        return ErrorKind::unreachable;
    }
    if (error == errors::access_denied || error == errors::no_permission) {
        return ErrorKind::access_denied;
    }
    if (error == http::error::body_limit) {
        return ErrorKind::too_large;
    }
    const bool not_http = error.category() == make_error_code(http::error::end_of_stream).category();
    return not_http ? ErrorKind::invalid : ErrorKind::failed;
}

/// "10.0.0.1:80", "[fe80::1]:80"
std::string text_of(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                      : fmt::format("{}:{}", address, endpoint.port());
}

Error probe_error(const tcp::endpoint& endpoint, const char* step, const boost::system::error_code& error) {
    return {kind_of(error), fmt::format("{} {}: {}", step, text_of(endpoint), error.message()), error.value()};
}

Error timed_out(const HttpRequest& request) {
    return Error::timed_out(
        fmt::format("no answer from {} port {} within {} ms", request.host, request.port, request.timeout.count()));
}

/// Returns true if a character would end a line of the request and begin another one.
bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 127; });
}

bool can_be_sent(const HttpRequest& request) {
    const auto unfit = [](const auto& header) {
        return header.first.empty() || has_control_character(header.first) || has_control_character(header.second) ||
               header.first.find_first_of(" :") != std::string::npos;
    };
    return !request.host.empty() && !has_control_character(request.host) && request.path.starts_with('/') &&
           !has_control_character(request.path) && request.path.find(' ') == std::string::npos &&
           std::none_of(request.headers.begin(), request.headers.end(), unfit);
}

HttpMessage message_for(const HttpRequest& request) {
    HttpMessage message(http::verb::get, request.path, 11);
    const bool ipv6 = request.host.find(':') != std::string::npos;
    const std::string host = ipv6 ? fmt::format("[{}]", request.host) : request.host;
    message.set(http::field::host, request.port == 80 ? host : fmt::format("{}:{}", host, request.port));
    message.set(http::field::connection, "close");
    for (const auto& [name, value] : request.headers) {
        message.set(name, value);
    }
    return message;
}

asio::awaitable<Result<HttpResponse>> ask(tcp::socket& socket, tcp::endpoint endpoint, const HttpRequest& request) {
    const auto message = message_for(request);
    auto done = co_await exchange(socket, message, body_limit);
    if (done.error) {
        co_return probe_error(endpoint, done.sent ? "no HTTP answer from" : "cannot send to", done.error);
    }
    co_return std::move(done.response);
}

asio::awaitable<void> probe(asio::io_context& context, const std::vector<tcp::endpoint>& endpoints,
                            const HttpRequest& request, std::optional<Result<HttpResponse>>& answer) {
    std::optional<Error> first_failure;
    for (const tcp::endpoint& endpoint : endpoints) {
        tcp::socket socket(context);
        const auto [error] = co_await socket.async_connect(endpoint, as_result);
        if (!error) {
            answer = co_await ask(socket, endpoint, request);
            co_return;
        }
        if (!first_failure) {
            first_failure = probe_error(endpoint, "cannot connect to", error);
        }
    }
    answer = *first_failure;
}

Result<std::vector<tcp::endpoint>> endpoints_of(const HttpRequest& request, const Resolver& resolve) {
    boost::system::error_code not_an_address;
    const auto literal = asio::ip::make_address(request.host, not_an_address);
    if (!not_an_address) {
        return std::vector{tcp::endpoint(literal, request.port)};
    }
    const auto addresses = resolve(request.host, request.timeout);
    if (!addresses) {
        return addresses.error();
    }
    std::vector<tcp::endpoint> endpoints;
    for (const std::string& text : *addresses) {
        if (const auto address = asio::ip::make_address(text, not_an_address); !not_an_address) {
            endpoints.emplace_back(address, request.port);
        }
    }
    // Azure's own addresses are IPv4, and many a VM has an IPv6 address but no route.
    std::stable_partition(endpoints.begin(), endpoints.end(),
                          [](const tcp::endpoint& endpoint) { return endpoint.address().is_v4(); });
    if (endpoints.empty()) {
        return Error::not_found(request.host + " has no address");
    }
    return endpoints;
}

}  // namespace

Result<HttpResponse> http_get(const HttpRequest& request, const Resolver& resolve) {
    if (!can_be_sent(request)) {
        return Error::invalid(
            fmt::format("cannot ask {} port {} for '{}': a host, a path that begins with '/' and headers "
                        "without control characters are expected",
                        request.host, request.port, request.path));
    }
    const auto deadline = Clock::now() + request.timeout;
    const auto endpoints = endpoints_of(request, resolve);
    if (!endpoints) {
        return endpoints.error();
    }
    std::optional<Result<HttpResponse>> answer;
    asio::io_context context(1);
    asio::co_spawn(context, probe(context, *endpoints, request, answer), [](const std::exception_ptr& thrown) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    });
    context.run_until(deadline);
    return answer ? *answer : timed_out(request);
}

}  // namespace machine
