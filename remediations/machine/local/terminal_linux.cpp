#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/algorithm/string/predicate.hpp>
#include <cstdlib>
#include <string_view>

#include "remediations/machine/local/terminal.hpp"

namespace machine::local {
namespace {

int descriptor(Stream stream) {
    return stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO;
}

}  // namespace

bool is_terminal(Stream stream) {
    return isatty(descriptor(stream)) == 1;
}

unsigned terminal_width(Stream stream) {
    winsize size{};
    return ioctl(descriptor(stream), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool prepare_terminal(Stream stream) {
    const char* term = std::getenv("TERM");
    return is_terminal(stream) && term != nullptr && std::string_view(term) != "dumb";
}

unsigned terminal_height(Stream stream) {
    winsize size{};
    return ioctl(descriptor(stream), TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

bool terminal_shows_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {  // the first that is set counts: POSIX, 8.2
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        return boost::icontains(value, "utf-8") || boost::icontains(value, "utf8");
    }
    return false;
}

bool window_closes_with_us() {
    return false;
}

}  // namespace machine::local
