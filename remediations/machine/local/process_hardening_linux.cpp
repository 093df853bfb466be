#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "remediations/machine/linux/child_process.hpp"
#include "remediations/machine/local/detached_process.hpp"
#include "remediations/machine/local/process_hardening.hpp"

namespace machine::local {

namespace {

/// The guest agent's variables, those of a terminal, and the one of https://no-color.org.
bool is_read_by_us(std::string_view name) {
    constexpr std::array names = {std::string_view("ConfigSequenceNumber"),
                                  std::string_view("VERSION"),
                                  std::string_view("TERM"),
                                  std::string_view("NO_COLOR"),
                                  std::string_view("LC_ALL"),
                                  std::string_view("LC_CTYPE"),
                                  std::string_view("LANG")};
    return std::ranges::find(names, name) != names.end() || name.starts_with("AZURE_GUEST_AGENT_");
}

/// Removes all others, because libraries read variables of their own (OPENSSL_CONF, HOSTALIASES, RES_OPTIONS, TZ, ...).
void keep_known_variables() {
    std::vector<std::pair<std::string, std::string>> kept;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view variable = *entry;
        const auto equals = variable.find('=');
        if (equals != variable.npos && is_read_by_us(variable.substr(0, equals))) {
            kept.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
        }
    }
    ::clearenv();
    for (const auto& [name, value] : kept) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    ::setenv("PATH", child_path, 1);
}

/// Without this, the first file that is opened would become the standard output, and get what is printed.
void open_standard_streams() {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", O_RDWR | O_NOCTTY) != descriptor) {
            std::abort();
        }
    }
}

}  // namespace

void harden_this_process() {
    const struct rlimit none {};
    ::setrlimit(RLIMIT_CORE, &none);
    if (!is_privileged()) {
        return;
    }
    // A program that the kernel pipes cores to gets a core regardless of the limit.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    open_standard_streams();
    keep_known_variables();
    ::umask(022);  // for what our children create too
    ::signal(SIGHUP, SIG_IGN);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);
}

}  // namespace machine::local
