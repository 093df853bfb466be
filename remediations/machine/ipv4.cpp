#include "remediations/machine/ipv4.hpp"

#include <boost/asio/ip/address_v4.hpp>

namespace machine {

using boost::asio::ip::address_v4;

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address_v4(std::string(text), error);
    return error ? std::nullopt : std::optional<std::uint32_t>(address.to_uint());
}

std::string ipv4_text(std::uint32_t address) {
    return address_v4(address).to_string();
}

}  // namespace machine
