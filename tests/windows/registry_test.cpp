#include "remediations/machine/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "remediations/machine/windows/parts.hpp"

#include <windows.h>

namespace machine::registry_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Strings = std::vector<std::string>;
using Bytes = std::vector<std::uint8_t>;

constexpr auto key = "HKLM\\SOFTWARE\\BackupRemediationTest";

class WindowsRegistry : public testing::Test {
protected:
    void TearDown() override { RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\BackupRemediationTest"); }

    /// Writes bytes that no well-behaved program would.
    static void set_raw(const wchar_t* name, DWORD type, const Bytes& bytes) {
        HKEY handle = nullptr;
        ASSERT_EQ(RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\BackupRemediationTest", 0, nullptr, 0,
                                  KEY_SET_VALUE | KEY_WOW64_64KEY, nullptr, &handle, nullptr),
                  ERROR_SUCCESS);
        EXPECT_EQ(RegSetValueExW(handle, name, 0, type, bytes.data(), static_cast<DWORD>(bytes.size())), ERROR_SUCCESS);
        RegCloseKey(handle);
    }

    static Bytes utf16(std::wstring_view text) {
        Bytes bytes(text.size() * 2);
        std::memcpy(bytes.data(), text.data(), bytes.size());
        return bytes;
    }

    std::unique_ptr<Registry> registry = windows::make_registry();
};

TEST_F(WindowsRegistry, KeepsEveryTypeAsItWas) {
    const RegistryValue values[] = {
        {RegistryType::string, std::string("Grüße, 日本 🙂")},
        {RegistryType::string, std::string()},
        {RegistryType::expand_string, std::string("%SystemRoot%\\System32\\swprv.dll")},
        {RegistryType::dword, std::uint64_t{0xFFFFFFFF}},
        {RegistryType::qword, std::uint64_t{0x0123456789ABCDEF}},
        {RegistryType::multi_string, Strings{"RPCSS", "SamSS"}},
        {RegistryType::multi_string, Strings{"", "between", "", "empty ones"}},
        {RegistryType::multi_string, Strings{}},
        {RegistryType::binary, Bytes{0, 1, 2, 255}},
        {RegistryType::none, Bytes{}},
        {static_cast<RegistryType>(5), Bytes{0, 0, 0, 7}},  // REG_DWORD_BIG_ENDIAN
    };
    for (const auto& value : values) {
        SCOPED_TRACE(static_cast<int>(value.type));
        ASSERT_TRUE(registry->set_value(key, "value", value));
        EXPECT_EQ(registry->value(key, "VALUE").value(), value);
    }
}

TEST_F(WindowsRegistry, ReadsAValueLargerThanItsFirstGuess) {
    const RegistryValue value{RegistryType::string, std::string(100'000, 'x')};
    ASSERT_TRUE(registry->set_value(key, "large", value));
    EXPECT_EQ(registry->value(key, "large").value(), value);
}

TEST_F(WindowsRegistry, AcceptsTextWithoutTerminator) {
    set_raw(L"bare", REG_SZ, utf16(L"True"));
    EXPECT_EQ(registry->value(key, "bare").value(), (RegistryValue{RegistryType::string, std::string("True")}));
    auto odd = utf16(L"True");
    odd.push_back(0x41);
    set_raw(L"odd", REG_SZ, odd);
    EXPECT_EQ(registry->value(key, "odd").value(), (RegistryValue{RegistryType::string, std::string("True")}));
    set_raw(L"list", REG_MULTI_SZ, utf16({L"a\0b", 3}));
    EXPECT_EQ(registry->value(key, "list").value(), (RegistryValue{RegistryType::multi_string, Strings{"a", "b"}}));
}

TEST_F(WindowsRegistry, NamesTheValueWhoseBytesDoNotFitItsType) {
    set_raw(L"short", REG_DWORD, {1, 2, 3});
    const auto number = registry->value(key, "short");
    ASSERT_FALSE(number);
    EXPECT_EQ(number.error().kind, ErrorKind::invalid);
    EXPECT_EQ(number.error().message,
              "registry value HKLM\\SOFTWARE\\BackupRemediationTest\\short: has 3 bytes, expected 4");

    set_raw(L"surrogate", REG_SZ, {0x00, 0xD8});
    const auto text = registry->value(key, "surrogate");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().kind, ErrorKind::invalid);
    EXPECT_THAT(text.error().message, HasSubstr("not valid UTF-16"));
}

TEST_F(WindowsRegistry, TellsWhatIsAbsent) {
    EXPECT_EQ(registry->value("HKLM\\SOFTWARE\\No such key", "x").error().kind, ErrorKind::not_found);
    EXPECT_EQ(registry->subkeys("HKLM\\SOFTWARE\\No such key").error().kind, ErrorKind::not_found);
    set_raw(L"there", REG_DWORD, {1, 0, 0, 0});
    EXPECT_EQ(registry->value(key, "not there").error().kind, ErrorKind::not_found);
    EXPECT_EQ(registry->remove_value(key, "not there").error().kind, ErrorKind::not_found);
    EXPECT_EQ(registry->remove_key("HKLM\\SOFTWARE\\No such key").error().kind, ErrorKind::not_found);
}

TEST_F(WindowsRegistry, ListsAndRemoves) {
    const RegistryValue one{RegistryType::dword, std::uint64_t{1}};
    const std::string parent = key;
    ASSERT_TRUE(registry->set_value(parent + "\\Second\\Below", "v", one));
    ASSERT_TRUE(registry->set_value(parent + "\\First", "b", one));
    ASSERT_TRUE(registry->set_value(parent + "\\First", "a", one));
    EXPECT_THAT(registry->subkeys(parent).value(), ElementsAre("First", "Second"));
    EXPECT_THAT(registry->value_names(parent + "\\First").value(), ElementsAre("a", "b"));
    ASSERT_TRUE(registry->remove_value(parent + "\\First", "a"));
    EXPECT_THAT(registry->value_names(parent + "\\First").value(), ElementsAre("b"));
    ASSERT_TRUE(registry->remove_key(parent + "\\Second"));
    EXPECT_THAT(registry->subkeys(parent).value(), ElementsAre("First"));
}

TEST_F(WindowsRegistry, RefusesWhatIsNoKey) {
    for (const std::string bad : {"SOFTWARE\\X", "HKCU\\X", "", "HKLM"}) {
        EXPECT_EQ(registry->value(bad, "x").error().kind, ErrorKind::invalid) << bad;
    }
    EXPECT_EQ(registry->value(key, std::string("a\0b", 3)).error().kind, ErrorKind::invalid);
    EXPECT_EQ(registry->value(std::string(key) + "\\\xFF", "x").error().kind, ErrorKind::invalid);
    EXPECT_EQ(registry->remove_key("HKLM\\SOFTWARE").error().kind, ErrorKind::invalid);
    EXPECT_EQ(registry->set_value(key, "x", {RegistryType::dword, std::uint64_t{1} << 32}).error().kind,
              ErrorKind::invalid);
    EXPECT_EQ(registry->set_value(key, "x", {RegistryType::string, Strings{}}).error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace machine::registry_test
