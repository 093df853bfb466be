// What the machine says, as a person's terminal and the portal get it.
#include <boost/json.hpp>

#include "handler/report/page.hpp"
#include "handler/report/plain_text.hpp"
#include "handler/report/status.hpp"
#include "remediations/machine/utf8.hpp"
#include "tests/fuzz/input.hpp"

namespace {

bool is_utf8(const std::string& text) {
    boost::system::error_code error;
    boost::json::parse(boost::json::serialize(boost::json::string(text)), error);
    return !error;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t width = data[0];
    const auto text = fuzz::text_of(data + 1, size - 1);
    const auto valid = machine::valid_utf8(text);
    fuzz::require(is_utf8(valid));
    fuzz::require(machine::utf8_prefix(valid, width).size() <= width);
    const auto shown = handler::visible(text);
    fuzz::require(is_utf8(shown));
    for (const char c : shown) fuzz::require(static_cast<unsigned char>(c) >= ' ' && c != '\x7F');
    (void)handler::shortened(valid, width);
    (void)handler::did_you_mean(shown, {"extensions-disabled", "msdtc-account"});
    handler::Page page({.color = width % 2 == 1, .width = width});
    page.entry(2, shown, 20, shown);
    (void)std::move(page).text();
    fuzz::require(handler::cut(text, width, "/var/log/x").size() <= width);
    return 0;
}
