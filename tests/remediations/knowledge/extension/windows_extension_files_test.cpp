#include "remediations/knowledge/extension/windows_extension_files.hpp"

#include <gtest/gtest.h>

namespace remediations::windows_extension_files_test {
namespace {

std::string program_for(char low, char high, std::size_t header = 0x80) {
    std::string bytes(header + 24, '\0');
    bytes.replace(0, 2, "MZ");
    bytes[0x3C] = static_cast<char>(header & 0xFF);
    bytes[0x3D] = static_cast<char>(header >> 8);
    bytes.replace(header, 4, std::string("PE\0\0", 4));
    bytes[header + 4] = low;
    bytes[header + 5] = high;
    return bytes;
}

TEST(PeMachine, IsReadFromTheHeader) {
    EXPECT_EQ(pe_machine(program_for('\x64', '\x86')), 0x8664);
    EXPECT_EQ(pe_machine(program_for('\x4C', '\x01', 0x110)), 0x014C);
}

TEST(PeMachine, IsUnknownWhereTheHeaderIsNotWhole) {
    const auto whole = program_for('\x64', '\x86');
    for (std::size_t length = 0; length < 0x86; ++length) EXPECT_FALSE(pe_machine(whole.substr(0, length))) << length;
    EXPECT_TRUE(pe_machine(whole.substr(0, 0x86)));
    EXPECT_FALSE(pe_machine(std::string(4096, '\0')));
    EXPECT_FALSE(pe_machine("MZ" + std::string(4096, '\xFF'))) << "a header beyond the end";
    EXPECT_FALSE(pe_machine("MZ" + std::string(200, '\0'))) << "the header begins with MZ itself";
}

}  // namespace
}  // namespace remediations::windows_extension_files_test
