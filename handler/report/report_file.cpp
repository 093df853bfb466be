#include "handler/report/report_file.hpp"

#include <algorithm>
#include <string>

#include "handler/report/paths.hpp"
#include "handler/report/status.hpp"
#include "remediations/machine/local/durable_file.hpp"

namespace handler {

namespace {

constexpr std::string_view stem = "backup-remediation-report-";

/// Returns 20261121T014907Z, which sorts by time and is valid in a file name on Windows.
std::string compact_utc(std::chrono::system_clock::time_point time) {
    auto text = utc_text(time);
    std::erase_if(text, [](char character) { return character == '-' || character == ':'; });
    return text;
}

}  // namespace

machine::Result<std::filesystem::path> write_report_file(const std::filesystem::path& log_folder, std::string_view html,
                                                         std::chrono::system_clock::time_point now) {
    std::error_code code;
    std::filesystem::create_directories(log_folder, code);
    const auto file = log_folder / (std::string(stem) + compact_utc(now) + ".html");
    if (auto written = machine::local::write_durably(file, html); !written) return written.error();
    auto older = report_files_in(log_folder);
    std::erase(older, file);  // where the clock was set back it is not the last by name
    for (std::size_t index = 0; index + most_report_files <= older.size(); ++index) {
        std::filesystem::remove(older[index], code);
    }
    return file;
}

std::vector<std::filesystem::path> report_files_in(const std::filesystem::path& log_folder) {
    std::vector<std::filesystem::path> files;
    std::error_code code;
    for (std::filesystem::directory_iterator entry(log_folder, code), end; !code && entry != end;
         entry.increment(code)) {
        const auto name = to_text(entry->path().filename());
        if (name.starts_with(stem) && entry->path().extension() == ".html") files.push_back(entry->path());
    }
    std::ranges::sort(files);
    return files;
}

}  // namespace handler
