#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <optional>

#include "remediations/machine/linux/resolver.hpp"
#include "remediations/machine/local/https.hpp"

namespace machine::local {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;

/// Resource Manager sends two URLs of 4 KiB each in one answer.
constexpr std::uint32_t header_limit = 64U << 10U;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// The files of trusted authorities of the distributions. The linked OpenSSL knows only one of them.
constexpr const char* known_authorities[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL, Fedora, Azure Linux
    "/etc/pki/tls/certs/ca-bundle.crt",                   // older ones of these
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/ssl/cert.pem",                                  // Alpine
};

Result<void> trust(ssl::context& context, const std::filesystem::path& authorities) {
    boost::system::error_code error;
    if (!authorities.empty()) {
        context.load_verify_file(authorities.string(), error);
        if (error) return Error::invalid(fmt::format("{}: {}", authorities.string(), error.message()));
        return {};
    }
    for (const auto* file : known_authorities) {
        if (std::filesystem::exists(file, error) && !context.load_verify_file(file, error)) return {};
    }
    return Error::not_found("this computer has no list of trusted certificate authorities");
}

Error failure(const HttpsRequest& request, const char* step, const boost::system::error_code& error) {
    auto kind = ErrorKind::failed;
    if (error == beast::error::timeout || error == asio::error::timed_out) kind = ErrorKind::timed_out;
    if (error == http::error::body_limit || error == http::error::header_limit) kind = ErrorKind::too_large;
    if (error == asio::error::connection_refused) kind = ErrorKind::refused;
    if (error == asio::error::network_unreachable || error == asio::error::host_unreachable) {
        kind = ErrorKind::unreachable;
    }
    return {kind, fmt::format("{} {}:{}: {}", step, request.host, request.port, error.message()), error.value()};
}

/// The name, or the address without brackets, and the port.
struct Peer {
    std::string host;
    std::uint16_t port = 0;
};

/// Returns the other end of the connection: the server itself, or the proxy.
Result<Peer> next_hop(const HttpsRequest& request) {
    if (request.proxy.empty()) return Peer{request.host, request.port};
    const auto colon = request.proxy.rfind(':');
    std::uint16_t port = 0;
    const auto* const end = request.proxy.data() + request.proxy.size();
    const auto parsed = colon == std::string::npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                                   : std::from_chars(request.proxy.data() + colon + 1, end, port);
    if (parsed.ec != std::errc() || parsed.ptr != end || colon == 0 || port == 0) {
        return Error::invalid("not a proxy, host:port was expected: " + request.proxy);
    }
    auto host = request.proxy.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return Peer{host, port};
}

Result<std::vector<tcp::endpoint>> endpoints_of(const Peer& peer, std::chrono::milliseconds timeout) {
    boost::system::error_code not_an_address;
    const auto literal = asio::ip::make_address(peer.host, not_an_address);
    if (!not_an_address) return std::vector{tcp::endpoint(literal, peer.port)};
    const auto addresses = resolve_host(peer.host, std::min(timeout, std::chrono::milliseconds(10000)));
    if (!addresses) return addresses.error();
    std::vector<tcp::endpoint> endpoints;
    for (const auto& address : *addresses) endpoints.emplace_back(asio::ip::make_address(address), peer.port);
    return endpoints;
}

/// Asks the proxy for a tunnel to the server (RFC 9110, CONNECT).
asio::awaitable<Result<void>> open_tunnel(beast::tcp_stream& connection, const HttpsRequest& request) {
    const auto target = fmt::format("{}:{}", request.host, request.port);
    http::request<http::empty_body> message(http::verb::connect, target, 11);
    message.set(http::field::host, target);
    const auto [unsent, written] = co_await http::async_write(connection, message, as_result);
    if (unsent) co_return failure(request, "the proxy lets nothing through to", unsent);
    beast::flat_buffer buffer;
    http::response_parser<http::empty_body> parser;
    parser.skip(true);  // an answer to CONNECT has no body
    parser.header_limit(header_limit);
    const auto [unread, count] = co_await http::async_read_header(connection, buffer, parser, as_result);
    if (unread) co_return failure(request, "the proxy gives no answer about", unread);
    const auto status = parser.get().result_int();
    if (status / 100 != 2 || buffer.size() > 0) {
        co_return Error::refused(
            fmt::format("the proxy {} refuses a connection to {} with HTTP {}", request.proxy, target, status),
            static_cast<long>(status));
    }
    co_return Result<void>();
}

HttpsResponse response_in(http::response<http::string_body>& response) {
    HttpsResponse found;
    found.status = response.result_int();
    found.date = std::string(response[http::field::date]);
    for (const auto& field : response) {
        std::string name(field.name_string());
        std::ranges::transform(name, name.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        found.headers.emplace(std::move(name), std::string(field.value()));
    }
    found.body = std::move(response.body());
    return found;
}

using TlsStream = beast::ssl_stream<beast::tcp_stream>;

asio::awaitable<Result<HttpsResponse>> ask(TlsStream& stream, const std::vector<tcp::endpoint>& endpoints,
                                           const HttpsRequest& request) {
    auto& connection = beast::get_lowest_layer(stream);
    connection.expires_after(request.timeout);
    const auto [unconnected, endpoint] = co_await connection.async_connect(endpoints, as_result);
    if (unconnected) {
        co_return failure(request, request.proxy.empty() ? "cannot connect to" : "cannot connect to the proxy for",
                          unconnected);
    }
    if (!request.proxy.empty()) {
        auto opened = co_await open_tunnel(connection, request);
        if (!opened) co_return opened.error();
    }
    const auto [untrusted] = co_await stream.async_handshake(ssl::stream_base::client, as_result);
    if (untrusted) co_return failure(request, "no trusted TLS connection to", untrusted);

    http::request<http::string_body> message(http::string_to_verb(request.method), request.target, 11);
    message.set(http::field::host, request.host);
    message.set(http::field::connection, "close");
    for (const auto& [name, value] : request.headers) message.set(name, value);
    message.body() = request.body;
    message.prepare_payload();
    const auto [unsent, written] = co_await http::async_write(stream, message, as_result);
    // A server that refuses need not read to the end: its answer may be there all the same.
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.header_limit(header_limit);
    parser.body_limit(request.body_limit);
    const auto [unread, count] = co_await http::async_read(stream, buffer, parser, as_result);
    if (unread) {
        co_return unsent ? failure(request, "cannot send to", unsent) : failure(request, "no HTTP answer from", unread);
    }
    co_return response_in(parser.get());
}

}  // namespace

Result<HttpsResponse> https(const HttpsRequest& request, const std::filesystem::path& authorities) {
    const auto hop = next_hop(request);
    if (!hop) return hop.error();
    const auto endpoints = endpoints_of(*hop, request.timeout);
    if (!endpoints) return endpoints.error();
    ssl::context context(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    context.set_verify_mode(ssl::verify_peer);
    if (auto trusted = trust(context, authorities); !trusted) return trusted.error();

    asio::io_context work;
    TlsStream stream(work, context);
    stream.set_verify_callback(ssl::host_name_verification(request.host));
    boost::system::error_code no_address;
    (void)asio::ip::make_address(request.host, no_address);
    if (no_address && SSL_set_tlsext_host_name(stream.native_handle(), request.host.c_str()) != 1) {
        return Error::invalid("not a host name: " + request.host);
    }
    std::optional<Result<HttpsResponse>> answer;
    asio::co_spawn(
        work, [&]() -> asio::awaitable<void> { answer = co_await ask(stream, *endpoints, request); }, asio::detached);
    work.run();
    return answer ? std::move(*answer) : Error::failed("no answer from " + request.host);
}

}  // namespace machine::local
