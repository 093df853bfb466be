// Whatever answers at the wire server's address.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/_experimental/test/stream.hpp>

#include "remediations/machine/http_exchange.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using boost::beast::test::stream;
    constexpr std::size_t body_limit = 1024;
    static const machine::HttpMessage message(boost::beast::http::verb::get, "/?comp=versions", 11);
    boost::asio::io_context context(1);
    stream ours(context);
    stream theirs(context);
    ours.connect(theirs);
    ours.append({reinterpret_cast<const char*>(data), size});
    theirs.close();
    bool ended = false;
    boost::asio::co_spawn(context, machine::exchange(ours, message, body_limit),
                          [&](const std::exception_ptr& thrown, const machine::HttpExchange& done) {
                              fuzz::require(!thrown && (done.error || done.response.body.size() <= body_limit));
                              ended = true;
                          });
    context.run();
    fuzz::require(ended);
    return 0;
}
