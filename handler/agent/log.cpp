#include "handler/agent/log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>

#include "handler/report/paths.hpp"
#include "handler/report/plain_text.hpp"

namespace handler {

namespace {

constexpr auto stem = "backup-remediation-";

}  // namespace

Log::Log(const std::filesystem::path& folder, const std::string& role) : file_(folder / (stem + role + ".log")) {}

Log::~Log() = default;

void Log::open() {
    std::error_code code;
    std::filesystem::create_directories(file_.parent_path(), code);
    auto folder = machine::local::PinnedFolder::open(file_.parent_path());
    if (!folder) throw std::runtime_error(folder.error().message);
    folder_ = std::move(*folder);
    // The sink opens by name: what the name leads to is made sure of first, and nobody else can change it any more.
    const auto dropped = folder_->drop_what_is_not_ours(to_text(file_.filename()));
    if (!dropped) throw std::runtime_error(dropped.error().message);
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_st>((folder_->path() / file_.filename()).string(),
                                                                       file_limit, most_files - 1);
    sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %P %l %v", spdlog::pattern_time_type::utc));
    logger_ = std::make_unique<spdlog::logger>("backup-remediation", std::move(sink));
    logger_->flush_on(spdlog::level::info);
    logger_->set_error_handler([this](const std::string& reason) { problem_ = reason; });
    if (*dropped) logger_->warn("what stood here under this file's name was no file of ours, and has lost that name");
}

void Log::write(Level level, std::string_view line) {
    if (!problem_.empty()) return;
    try {
        if (!logger_) open();
        constexpr spdlog::level::level_enum levels[] = {spdlog::level::info, spdlog::level::warn, spdlog::level::err};
        logger_->log(levels[static_cast<std::size_t>(level)], visible(line));
    } catch (const std::exception& error) {
        logger_.reset();
        problem_ = fmt::format("{}: cannot log: {}", to_text(file_), error.what());
    }
}

std::vector<std::filesystem::path> Log::files_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code code;
    for (std::filesystem::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
        const auto name = to_text(entry->path().filename());
        if (name.starts_with(stem) && entry->path().extension() == ".log") files.push_back(entry->path());
    }
    return files;
}

}  // namespace handler
