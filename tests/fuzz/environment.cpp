// HandlerEnvironment.json, which the guest agent writes.
#include "handler/agent/environment.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::Folder folder;
    static const fuzz::File file(folder.path() / "HandlerEnvironment.json");
    file.fill(fuzz::text_of(data, size));
    const auto environment = handler::read_environment(folder.path());
    fuzz::require(environment || environment.error().message.find("HandlerEnvironment.json") != std::string::npos);
    return 0;
}
