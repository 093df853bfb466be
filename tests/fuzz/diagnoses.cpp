// A diagnosis of the catalogue on a machine whose files are the input, and the three reports. The first line is "l" or
// "w", for the platform, and the cause's id; a line "\x1e/path" begins a file, "\x1e!program arguments" the output of a
// command.
#include <boost/json.hpp>

#include "handler/report/report_json.hpp"
#include "handler/report/report_status.hpp"
#include "handler/report/report_text.hpp"
#include "remediations/engine/catalogue.hpp"
#include "remediations/engine/engine.hpp"
#include "remediations/engine/signals.hpp"
#include "remediations/machine/recorded/capture_content.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using namespace machine::recorded;

void add_file(Capture& capture, std::string path, std::string_view content) {
    machine::FileStatus status{machine::FileKind::regular, content.size(), 0644, 0, 0, {}};
    capture.files[path].content = std::string(content);
    while (path.size() > 1) {
        capture.files[path].status = status;
        const auto slash = path.find_last_of("/\\");
        if (slash == std::string::npos) return;
        auto parent = path.substr(0, std::max<std::size_t>(slash, 1));
        auto& list = capture.files[parent].list;
        if (!list) list = std::vector<std::string>{};
        (*list)->push_back(path.substr(slash + 1));
        if (parent == path) return;
        path = std::move(parent);
        status = {machine::FileKind::directory, 4096, 0755, 0, 0, {}};
    }
}

std::shared_ptr<Capture> capture_from(std::string_view text) {
    auto capture = std::make_shared<Capture>();
    capture->complete = {Section::files,     Section::services,     Section::registry,
                         Section::processes, Section::commands,     Section::network,
                         Section::events,    Section::certificates, Section::wmi};
    capture->facts.platform = text.starts_with('w') ? machine::Platform::windows : machine::Platform::linux;
    if (text.starts_with('w')) capture->facts.system_drive = "C:";
    capture->facts.now = std::chrono::system_clock::time_point(std::chrono::seconds(1795226400));
    capture->mounts = std::vector<machine::Mount>{{"/dev/sda1", "/", "ext4", {"rw"}}};
    fuzz::take_line(text);
    while (!text.empty()) {
        const auto next = std::min(text.find('\x1e', 1), text.size());
        auto section = text.substr(0, next);
        text.remove_prefix(next);
        if (!section.starts_with('\x1e')) continue;
        section.remove_prefix(1);
        std::string name(fuzz::take_line(section));
        if (!name.starts_with('!')) {
            if (capture->files.size() < 64) add_file(*capture, std::move(name), section);
            continue;
        }
        std::vector<std::string> words(1);
        for (const char c : name.substr(1)) {
            if (c == ' ') {
                words.emplace_back();
            } else {
                words.back() += c;
            }
        }
        capture->commands.insert_or_assign(words, machine::CommandOutput{0, std::string(section), {}});
    }
    return capture;
}

/// The one whose id stands in the first line; else any, by that line.
const remediations::Remediation& chosen_by(std::string_view line) {
    const auto& all = remediations::catalogue();
    const auto name = line.substr(std::min<std::size_t>(1, line.size()));
    const auto named = std::ranges::find_if(all, [&](const auto* remediation) { return remediation->id == name; });
    return named != all.end() ? **named : *all[std::hash<std::string_view>()(line) % all.size()];
}

remediations::Finding diagnosed(const remediations::Remediation& remediation, const machine::Machine& machine) {
    if (remediation.diagnose_for) return remediation.diagnose_for(machine, {{}, true});
    return remediation.diagnose ? remediation.diagnose(machine) : remediations::Finding::healthy("not looked for");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    auto rest = text;
    const auto& remediation = chosen_by(fuzz::take_line(rest));
    auto machine = machine_of(capture_from(text));
    remediations::search_for_signals_of_catalogue(machine);
    if (!remediations::applies_to(remediation.scope, machine.facts().platform)) return 0;
    remediations::Report report;
    report.machine = machine.facts();
    report.outcomes.push_back({&remediation, diagnosed(remediation, machine), {}});
    boost::system::error_code error;
    boost::json::parse(handler::report_json(report), error);
    fuzz::require(!error);
    (void)handler::report_text(report, handler::Subject::capture, {});
    const auto status = handler::status_file_text(handler::status_of(report, false), "Name", {}, "/var/log/x");
    fuzz::require(status.size() <= handler::status_file_limit);
    return 0;
}
