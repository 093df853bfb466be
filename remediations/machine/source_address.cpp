#include "remediations/machine/source_address.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

namespace machine {

namespace asio = boost::asio;
using asio::ip::udp;

namespace {

/// Includes, besides "no route", the errors that Linux returns for routes of type prohibit and blackhole.
bool is_no_route(const boost::system::error_code& error) {
    namespace errors = asio::error;
    return error == errors::network_unreachable || error == errors::host_unreachable || error == errors::network_down ||
           error == errors::access_denied || error == errors::invalid_argument ||
           error == boost::system::errc::address_not_available;
}

}  // namespace

Result<std::string> source_address_for(const std::string& address) {
    constexpr std::uint16_t any_port = 80;
    boost::system::error_code error;
    const auto target = asio::ip::make_address(address, error);
    if (error) {
        return Error::invalid(fmt::format("'{}' is not an IP address", address));
    }
    asio::io_context context(1);
    udp::socket socket(context);
    const auto failed = [&] {
        return Error{is_no_route(error) ? ErrorKind::unreachable : ErrorKind::failed,
                     fmt::format("no route to {}: {}", address, error.message()), error.value()};
    };
    if (socket.connect(udp::endpoint(target, any_port), error); error) {
        return failed();
    }
    const auto local = socket.local_endpoint(error);
    if (error) {
        return failed();
    }
    return local.address().to_string();
}

}  // namespace machine
