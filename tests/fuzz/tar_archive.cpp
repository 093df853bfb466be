// The content of a package that somebody changed.
#include "remediations/formats/tar_archive.hpp"

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto archive = fuzz::text_of(data, size);
    const auto found = remediations::file_in_tar(archive, "etc/waagent.conf");
    if (!found) {
        fuzz::require(found.error().message.find("tar archive") != std::string::npos);
        return 0;
    }
    fuzz::require(found->data() >= archive.data() && found->data() + found->size() <= archive.data() + size);
    return 0;
}
