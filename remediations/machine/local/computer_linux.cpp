#include <boost/algorithm/string/trim.hpp>
#include <charconv>

#include "remediations/machine/linux/file_operations.hpp"
#include "remediations/machine/local/computer.hpp"

namespace machine::local {

namespace {

constexpr std::size_t longest_fact = 256;

std::string fact(const std::string& path) {
    const auto text = read_regular_file(path, longest_fact);
    return text ? boost::algorithm::trim_copy(*text) : std::string();
}

}  // namespace

Computer this_computer() {
    Computer computer;
    computer.id = fact("/sys/class/dmi/id/product_uuid");
    computer.boot = fact("/proc/sys/kernel/random/boot_id");
    const auto uptime = fact("/proc/uptime");  // "350735.47 234388.90"
    std::chrono::seconds::rep seconds = 0;
    std::from_chars(uptime.data(), uptime.data() + uptime.size(), seconds);
    computer.uptime = std::chrono::seconds(seconds);
    return computer;
}

}  // namespace machine::local
