#include "remediations/formats/base64.hpp"

#include <gtest/gtest.h>

namespace remediations::base64_test {
namespace {

TEST(Base64, DecodesTheVectorsOfTheStandard) {
    EXPECT_EQ(decode_base64(""), "");
    EXPECT_EQ(decode_base64("Zg=="), "f");
    EXPECT_EQ(decode_base64("Zm8="), "fo");
    EXPECT_EQ(decode_base64("Zm9v"), "foo");
    EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
    EXPECT_EQ(decode_base64("+/8="), "\xfb\xff");
    EXPECT_EQ(decode_base64("AAAA"), std::string(3, '\0'));
}

TEST(Base64, SkipsLineBreaks) {
    EXPECT_EQ(decode_base64("Zm9v\r\nYmFy\n"), "foobar");
}

TEST(Base64, RefusesEverythingElse) {
    for (const std::string_view damaged : std::initializer_list<std::string_view>{
             "Z", "Zg", "Zg=", "Zg===", "Zm9v=", "====", "=Zg=", "Z=g=", "Zg==Zg==", "Zm9v YmFy", "Zm-_", "Zm9\xc3",
             "Zh==", "Zm9=", std::string_view("Zm\0v", 4)}) {
        EXPECT_FALSE(decode_base64(damaged)) << damaged;
    }
}

TEST(EncodeBase64, IsReadAgain) {
    EXPECT_EQ(encode_base64(""), "");
    EXPECT_EQ(encode_base64("f"), "Zg==");
    EXPECT_EQ(encode_base64("fo"), "Zm8=");
    EXPECT_EQ(encode_base64("foo"), "Zm9v");
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
        bytes += static_cast<char>(byte);
        EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    }
}

}  // namespace
}  // namespace remediations::base64_test
