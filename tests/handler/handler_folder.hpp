#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "handler/agent/environment.hpp"
#include "handler/agent/system.hpp"

namespace handler::test {

/// A folder that goes away with the test.
class TemporaryFolder {
public:
    TemporaryFolder() {
        auto pattern = (std::filesystem::temp_directory_path() / "handler-test-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline void write(const std::filesystem::path& file, const std::string& content) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
}

inline std::string read(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

/// A handler as the guest agent unpacks and prepares it, and the system it runs on.
class HandlerFolder {
public:
    explicit HandlerFolder(const std::filesystem::path& agent_folder, const std::string& version = "1.0.0.0")
        : folder(agent_folder / ("Test.BackupRemediation-" + version)), logs(agent_folder / "log") {
        for (const auto& path : {folder / "config", folder / "status", logs / "events"}) {
            std::filesystem::create_directories(path);
        }
        write(folder / "HandlerEnvironment.json",
              fmt::format(R"([{{"name":"Test.BackupRemediation","version":1.0,"handlerEnvironment":{{)"
                          R"("logFolder":"{}","configFolder":"{}","statusFolder":"{}","heartbeatFile":"{}",)"
                          R"("eventsFolder":"{}"}}}}])",
                          logs.string(), (folder / "config").string(), (folder / "status").string(),
                          (folder / "heartbeat.log").string(), (logs / "events").string()));
    }

    Environment environment() const { return read_environment(folder).value(); }

    /// What the agent writes before it calls `enable`.
    void settings(unsigned number, const std::string& public_settings = "{}",
                  const std::string& protected_settings = "null", const std::string& thumbprint = "null") const {
        write(folder / "config" / fmt::format("{}.settings", number),
              fmt::format(R"({{"runtimeSettings":[{{"handlerSettings":{{"publicSettings":{},"protectedSettings":{},)"
                          R"("protectedSettingsCertThumbprint":{}}}}}]}})",
                          public_settings, protected_settings, thumbprint));
    }

    std::filesystem::path status_path(unsigned number) const {
        return folder / "status" / fmt::format("{}.status", number);
    }
    boost::json::object status(unsigned number) const {
        return boost::json::parse(read(status_path(number))).at(0).at("status").as_object();
    }
    std::string word(unsigned number) const { return std::string(status(number).at("status").as_string()); }
    std::string message(unsigned number) const {
        return std::string(status(number).at("formattedMessage").at("message").as_string());
    }

    std::filesystem::path folder;
    std::filesystem::path logs;
};

}  // namespace handler::test
