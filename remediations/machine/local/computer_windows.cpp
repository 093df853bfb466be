#include <windows.h>

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "remediations/machine/local/computer.hpp"

namespace machine::local {

namespace {

/// Returns the UUID of the SMBIOS structure "System Information" (type 1), unchanged; DMTF DSP0134, 7.2. Empty where
/// there is none.
std::string uuid_in(const std::vector<std::uint8_t>& table) {
    constexpr std::size_t header = 4;
    constexpr std::size_t uuid_offset = 8;
    constexpr std::size_t uuid_length = 16;
    for (std::size_t at = 0; at + header <= table.size();) {
        const std::size_t length = table[at + 1];
        if (length < header || at + length > table.size()) return {};
        if (table[at] == 1 && length >= uuid_offset + uuid_length) {
            std::string text;
            for (std::size_t index = 0; index < uuid_length; ++index) {
                text += fmt::format("{:02x}", table[at + uuid_offset + index]);
            }
            return text;
        }
        // Behind the structure stand texts; two NULs end them.
        at += length;
        while (at + 1 < table.size() && (table[at] != 0 || table[at + 1] != 0)) ++at;
        at += 2;
    }
    return {};
}

std::string smbios_uuid() {
    constexpr DWORD raw_smbios = 0x52534D42;  // 'RSMB'
    constexpr std::size_t prefix = 8;         // RawSMBIOSData before its table
    constexpr UINT largest = 1U << 20U;
    const UINT size = ::GetSystemFirmwareTable(raw_smbios, 0, nullptr, 0);
    if (size <= prefix || size > largest) return {};
    std::vector<std::uint8_t> data(size);
    if (::GetSystemFirmwareTable(raw_smbios, 0, data.data(), size) != size) return {};
    data.erase(data.begin(), data.begin() + prefix);
    return uuid_in(data);
}

}  // namespace

Computer this_computer() {
    Computer computer;
    computer.id = smbios_uuid();
    computer.uptime = std::chrono::seconds(::GetTickCount64() / 1000);
    return computer;
}

}  // namespace machine::local
