// The floor of a handler: logs one line and writes one small JSON file, by rename.
//   log_and_rename FOLDER
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

int main(int count, char** values) {
    if (count != 2) {
        return 2;
    }
    const std::filesystem::path folder = values[1];
    const auto log = spdlog::basic_logger_mt("log", (folder / "log").string());
    log->info("writes a status");
    std::ofstream(folder / "new") << boost::json::value{{"status", "success"}};
    std::filesystem::rename(folder / "new", folder / "status");
    return 0;
}
