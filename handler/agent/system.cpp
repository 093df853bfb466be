#include "handler/agent/system.hpp"

#include <cstdlib>

#include "handler/agent/verbose_log.hpp"
#include "handler/report/support_bundle.hpp"
#include "remediations/knowledge/azure/attach.hpp"
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
        .executable = machine::local::this_executable(),
        .state_folder = machine::local::state_folder(),
        .start_detached = machine::local::start_detached,
        .run_supervised = machine::local::run_supervised,
        .decrypt = machine::local::decrypt_cms,
        .run = [](const remediations::RunOptions& options) -> machine::Result<remediations::Report> {
            auto machine = machine::local_machine();
            remediations::azure::attach(machine, options.azure);
            return remediations::run(options, machine, machine::local::state_folder());
        },
        .end_verbose_log = [](bool at_once) -> machine::Result<std::string> {
            using std::chrono::system_clock;
            auto machine = machine::local_machine();
            return end_verbose_log(machine::local::state_folder(), machine,
                                   at_once ? system_clock::time_point::max() : system_clock::now());
        },
        .make_bundle = [](const remediations::RunOptions& options) -> machine::Result<std::string> {
            auto machine = machine::local_machine();
            remediations::azure::attach(machine, options.azure);
            return make_support_bundle(machine, options);
        },
        .https = [](const machine::local::HttpsRequest& request) -> machine::Result<machine::HttpResponse> {
            auto answer = machine::local::https(request);
            if (!answer) return answer.error();
            return machine::HttpResponse(std::move(*answer));
        },
        .rehearse =
            [](const remediations::RehearsalOptions& options) -> machine::Result<remediations::FreezeRehearsal> {
            return remediations::rehearse_freeze(options, machine::local_machine(), *machine::local_freezer());
        },
    };
}

}  // namespace handler
