#pragma once

#include <fstream>
#include <map>
#include <string>

#include "remediations/formats/zip_archive.hpp"
#include "tests/temporary_folder.hpp"

namespace tests {

/// The files of an archive by name.
inline std::map<std::string, std::string> unzipped(const std::string& archive) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "archive.zip";
    std::ofstream(path, std::ios::binary) << archive;
    const auto machine = machine::local_machine();
    const auto zip = remediations::ZipArchive::open(machine.files(), path.string()).value();
    std::map<std::string, std::string> files;
    for (const auto& entry : zip.entries()) files[entry.name] = zip.extract(machine.files(), entry).value();
    return files;
}

}  // namespace tests
