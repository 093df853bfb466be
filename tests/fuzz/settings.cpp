// A settings file: its first line is the "decrypted" text of protectedSettings, the rest is the file.
#include "handler/agent/settings.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Folder folder;
    static const fuzz::File file(folder.path() / "config/1.settings");
    static const handler::Environment environment{folder.path(), "Name", folder.path(), folder.path() / "config",
                                                  folder.path(), {}};
    auto text = fuzz::text_of(data, size);
    const auto plain = fuzz::take_line(text);
    file.fill(text);
    const auto answer = handler::read_settings(
        environment, 1, [&](const std::string&, const std::string&, const std::filesystem::path&) {
            return machine::Result<std::string>(std::string(plain));
        });
    // A refused file changes nothing, and a problem says where it is.
    fuzz::require(answer.problems.empty() || answer.settings == handler::Settings{});
    for (const auto& problem : answer.problems) fuzz::require(problem.find(": ") != std::string::npos);
    return 0;
}
