#include "remediations/machine/http_probe.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace machine::http_probe_test {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::HasSubstr;
using testing::StartsWith;
using Clock = std::chrono::steady_clock;

/// Answers one connection on the loopback address with fixed bytes.
class OneAnswerServer {
public:
    explicit OneAnswerServer(std::string answer)
        : thread_([this, answer = std::move(answer)] {
              tcp::socket socket = acceptor_.accept();
              boost::asio::streambuf request;
              boost::system::error_code error;
              boost::asio::read_until(socket, request, "\r\n\r\n", error);
              request_.assign(std::istreambuf_iterator<char>(&request), {});
              boost::asio::write(socket, boost::asio::buffer(answer), error);
          }) {}
    ~OneAnswerServer() { wait(); }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    const std::string& request() {
        wait();
        return request_;
    }

private:
    void wait() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    boost::asio::io_context context_;
    tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
    std::string request_;
    std::thread thread_;
};

/// A listener whose connections the kernel takes but nobody answers.
class SilentServer {
public:
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    boost::asio::io_context context_;
    tcp::acceptor acceptor_{context_, {boost::asio::ip::address_v4::loopback(), 0}};
};

std::uint16_t closed_port() {
    return SilentServer().port();
}

Result<std::vector<std::string>> no_resolver(const std::string& host, std::chrono::milliseconds) {
    ADD_FAILURE() << "an address needs no resolver, but it was asked for " << host;
    return Error{};
}

HttpRequest to_loopback(std::uint16_t port, std::chrono::milliseconds timeout = 20s) {
    return {.host = "127.0.0.1", .port = port, .path = "/versions", .headers = {}, .timeout = timeout};
}

Result<HttpResponse> answer_to(std::string answer) {
    OneAnswerServer server(std::move(answer));
    return http_get(to_loopback(server.port()), no_resolver);
}

TEST(HttpProbe, GivesStatusAndBody) {
    EXPECT_EQ(*answer_to("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), (HttpResponse{200, "hello"}));
    EXPECT_EQ(*answer_to("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), (HttpResponse{410, ""}));
    EXPECT_EQ(*answer_to("HTTP/1.0 200 OK\r\n\r\nuntil the end"), (HttpResponse{200, "until the end"}));
    EXPECT_EQ(*answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
              (HttpResponse{200, "abc"}));
}

TEST(HttpProbe, GivesTheDateAsItCame) {
    EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 0\r\ndate: Tue, 04 Aug 2026 10:00:00 GMT\r\n\r\n")->date,
              "Tue, 04 Aug 2026 10:00:00 GMT");
    EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate:  whatever \r\n\r\n")->date, "whatever");
}

TEST(HttpProbe, SendsWhatWasAskedFor) {
    OneAnswerServer server("HTTP/1.1 204 No Content\r\n\r\n");
    HttpRequest request = to_loopback(server.port());
    request.path = "/machine?comp=goalstate";
    request.headers = {{"x-ms-version", "2012-11-30"}, {"Metadata", "true"}};
    ASSERT_TRUE(http_get(request, no_resolver));
    EXPECT_THAT(server.request(), StartsWith("GET /machine?comp=goalstate HTTP/1.1\r\n"));
    EXPECT_THAT(server.request(), HasSubstr("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
    EXPECT_THAT(server.request(), HasSubstr("\r\nx-ms-version: 2012-11-30\r\nMetadata: true\r\n"));
    EXPECT_THAT(server.request(), HasSubstr("\r\nConnection: close\r\n"));
}

TEST(HttpProbe, UsesNoProxy) {
    OneAnswerServer server("HTTP/1.1 200 OK\r\n\r\n");
    const std::string proxy = "http://127.0.0.1:" + std::to_string(closed_port());
#ifndef _WIN32
    ::setenv("http_proxy", proxy.c_str(), 1);
#endif
    EXPECT_TRUE(http_get(to_loopback(server.port()), no_resolver));
#ifndef _WIN32
    ::unsetenv("http_proxy");
#endif
}

TEST(HttpProbe, TellsARefusedConnection) {
    const std::uint16_t port = closed_port();
    const auto answer = http_get(to_loopback(port), no_resolver);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::refused) << answer.error().message;
    EXPECT_THAT(answer.error().message, HasSubstr("127.0.0.1:" + std::to_string(port)));
}

TEST(HttpProbe, TellsASilentServer) {
    const SilentServer server;
    const auto start = Clock::now();
    const auto answer = http_get(to_loopback(server.port(), 200ms), no_resolver);
    EXPECT_EQ(answer.error().kind, ErrorKind::timed_out);
    EXPECT_THAT(answer.error().message, HasSubstr("within 200 ms"));
    EXPECT_GE(Clock::now() - start, 200ms);
    EXPECT_LT(Clock::now() - start, 5s);
}

TEST(HttpProbe, OneDeadlineForTheWholeAnswer) {
    // A byte now and then keeps a timeout between bytes from ever passing.
    boost::asio::io_context context;
    tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::loopback(), 0});
    std::thread dripping([&] {
        tcp::socket socket = acceptor.accept();
        boost::system::error_code error;
        for (int i = 0; i < 200 && !error; ++i) {
            boost::asio::write(socket, boost::asio::buffer("H", 1), error);
            std::this_thread::sleep_for(20ms);
        }
    });
    const auto start = Clock::now();
    const auto answer = http_get(to_loopback(acceptor.local_endpoint().port(), 300ms), no_resolver);
    EXPECT_FALSE(answer);
    EXPECT_LT(Clock::now() - start, 2s);
    dripping.join();
}

TEST(HttpProbe, LimitsTheBody) {
    const std::string body(std::size_t{1} << 20, 'x');
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
    EXPECT_EQ(answer_to(head + std::to_string(body.size()) + "\r\n\r\n" + body)->body.size(), body.size());
    EXPECT_EQ(answer_to(head + std::to_string(body.size() + 1) + "\r\n\r\n" + body + "x").error().kind,
              ErrorKind::too_large);
    EXPECT_EQ(answer_to("HTTP/1.0 200 OK\r\n\r\n" + body + "x").error().kind, ErrorKind::too_large);
}

TEST(HttpProbe, RefusesWhatIsNotHttp) {
    const std::string garbage[] = {
        "",
        "\n\n\n\n",
        std::string("\0\x01\xff\xfe", 4),
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nX: " + std::string(100000, 'x'),
    };
    for (const std::string& answer : garbage) {
        const auto response = answer_to(answer);
        ASSERT_FALSE(response) << answer.substr(0, 60);
        EXPECT_EQ(response.error().kind, ErrorKind::invalid) << answer.substr(0, 60) << response.error().message;
    }
}

TEST(HttpProbe, SendsNoRequestWithALineBreakInIt) {
    const auto refuses = [](const HttpRequest& request) {
        const auto answer = http_get(request, no_resolver);
        return !answer && answer.error().kind == ErrorKind::invalid;
    };
    HttpRequest request = to_loopback(1);
    request.path = "/a HTTP/1.1\r\nX: y";
    EXPECT_TRUE(refuses(request));
    request.path = "no-slash";
    EXPECT_TRUE(refuses(request));
    request = to_loopback(1);
    request.headers = {{"X", "a\r\nY: b"}};
    EXPECT_TRUE(refuses(request));
    request.headers = {{"X: a", "b"}};
    EXPECT_TRUE(refuses(request));
    request = to_loopback(1);
    request.host = "";
    EXPECT_TRUE(refuses(request));
}

TEST(HttpProbe, AsksTheResolverForANameAndTriesEachAddress) {
    OneAnswerServer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    HttpRequest request = to_loopback(server.port());
    request.host = "wire.example";
    const auto resolver = [](const std::string& host, std::chrono::milliseconds timeout) {
        EXPECT_EQ(host, "wire.example");
        EXPECT_EQ(timeout, 20s);
        return Result<std::vector<std::string>>(
            std::vector<std::string>{"127.0.0.2", "127.0.0.1"});  // nobody listens on the first
    };
    EXPECT_TRUE(http_get(request, resolver));
    EXPECT_THAT(server.request(), HasSubstr("\r\nHost: wire.example:"));
}

TEST(HttpProbe, PassesOnWhyANameHasNoAddress) {
    HttpRequest request = to_loopback(80);
    request.host = "wire.example";
    const Error error = machine::Error::not_found("no such name", 4);
    EXPECT_EQ(http_get(request, [&](const auto&, auto) { return Result<std::vector<std::string>>(error); }).error(),
              error);
    EXPECT_EQ(http_get(request,
                       [](const auto&, auto) { return Result<std::vector<std::string>>(std::vector<std::string>()); })
                  .error()
                  .kind,
              ErrorKind::not_found);
}

}  // namespace
}  // namespace machine::http_probe_test
