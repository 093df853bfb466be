#include "handler/agent/system.hpp"

#include <cstdlib>
#include <iostream>

#include "handler/agent/verbose_log.hpp"
#include "handler/report/support_bundle.hpp"
#include "remediations/machine/local/cms.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

System local_system() {
    return {
        .variable = [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value ? std::optional<std::string>(value) : std::nullopt;
        },
        .privileged = machine::local::is_privileged,
        .standard_input = []() -> machine::Result<std::string> {
            constexpr std::size_t limit = std::size_t{1} << 20;
            std::string text(limit + 1, '\0');
            std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(std::cin.gcount()));
            if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // what Windows PowerShell may begin with
            if (text.size() <= limit) return text;
            return machine::Error{machine::ErrorKind::invalid, "standard input: expected settings of at most 1 MiB", 0};
        },
        .executable = machine::local::this_executable(),
        .state_folder = machine::local::state_folder(),
        .start_detached = machine::local::start_detached,
        .run_supervised = machine::local::run_supervised,
        .decrypt = machine::local::decrypt_cms,
        .run = [](const remediations::RunOptions& options) -> machine::Result<remediations::Report> {
            auto machine = machine::local_machine();
            return remediations::run(options, machine, machine::local::state_folder());
        },
        .end_verbose_log = [](bool at_once) -> machine::Result<std::string> {
            using std::chrono::system_clock;
            auto machine = machine::local_machine();
            return end_verbose_log(machine::local::state_folder(), machine,
                                   at_once ? system_clock::time_point::max() : system_clock::now());
        },
        .make_bundle = [](const remediations::RunOptions& options) -> machine::Result<std::string> {
            return make_support_bundle(machine::local_machine(), options);
        },
        .https = [](const machine::local::HttpsRequest& request) { return machine::local::https(request); },
        .rehearse =
            [](const remediations::RehearsalOptions& options) -> machine::Result<remediations::FreezeRehearsal> {
            return remediations::rehearse_freeze(options, machine::local_machine(), *machine::local_freezer());
        },
    };
}

}  // namespace handler
