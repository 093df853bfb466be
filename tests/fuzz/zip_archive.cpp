// A package that somebody changed: its directory, and every file in it.
#include "remediations/formats/zip_archive.hpp"

#include "remediations/machine/recorded/capture_content.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace machine::recorded;
    static const auto capture = std::make_shared<Capture>();
    static const auto machine = machine_of(capture);
    static const std::string path = "/var/lib/waagent/package.zip";
    auto& file = capture->files[path];
    file.status = machine::FileStatus{machine::FileKind::regular, size, 0600, 0, 0, {}};
    file.content = std::string(fuzz::text_of(data, size));
    const auto archive = remediations::ZipArchive::open(machine.files(), path);
    if (!archive) {
        fuzz::require(archive.error().message.starts_with(path));
        return 0;
    }
    for (const auto& entry : archive->entries()) {
        fuzz::require(!entry.name.starts_with('/') && ("/" + entry.name).find("/../") == std::string::npos);
        const auto content = archive->extract(machine.files(), entry);
        fuzz::require(content ? content->size() == entry.size : content.error().message.starts_with(path));
    }
    return 0;
}
