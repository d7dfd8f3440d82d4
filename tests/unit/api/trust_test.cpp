#include "api/trust.h"

#include <gtest/gtest.h>

#include "api/base64.h"
#include "api/x509.h"

namespace cella::api {
namespace {

TEST(Base64, IsReadBackAtEveryLength) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    const auto read = base64_decode(base64_encode(bytes));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(base64_encode("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
}

TEST(Base64, RefusesWhatItWouldNotWrite) {
  for (const char* text :
       {"A", "AB", "ABC", "AB=C", "====", "A===", "AB==CD==", "QUI", "QUJ=", "QR==", "Q Q=", "QQ-_"}) {
    EXPECT_FALSE(base64_decode(text).ok()) << text;
  }
}

TEST(Token, IsReadBack) {
  const JoinToken token{"joe", "abcdef", {"192.0.2.1:8443", "[2001:db8::1]:8443"}, "s3cret", "2026-01-01T00:00:00Z"};
  const auto read = decode_token(encode_token(token));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->client_name, "joe");
  EXPECT_EQ(read->addresses, token.addresses);
  EXPECT_EQ(read->secret, "s3cret");
}

TEST(Token, OfTheStockServerIsRead) {
  const auto read =
      decode_token(base64_encode(R"({"client_name":"a","fingerprint":"f","addresses":["1.2.3.4:8443"],"secret":"x"})"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->addresses.front(), "1.2.3.4:8443");
}

TEST(Token, APasswordIsNone) {
  for (const char* text : {"", "password", "192.0.2.1", "e30=", "eyJzZWNyZXQiOiIifQ=="}) {
    EXPECT_FALSE(decode_token(text).ok()) << text;
  }
}

TEST(Certificate, OwnOneIsReadBackAndValid) {
  const auto pair = generate_key_pair("root@test", KeyPairUse::kServer);
  ASSERT_TRUE(pair.ok()) << pair.error().message();
  EXPECT_EQ(*common_name_of_pem(pair->certificate), "root@test");
  const auto der = der_of_pem(pair->certificate);
  ASSERT_TRUE(der.ok());
  EXPECT_EQ(*pem_of_der(*der), pair->certificate);
  EXPECT_TRUE(*is_valid_now(*der));
  EXPECT_EQ(fingerprint_of_der(*der).size(), 64u);
  EXPECT_EQ(fingerprint_of_der(*der), *fingerprint_of_pem(pair->certificate));
}

TEST(Certificate, BrokenBytesAreRefused) {
  const auto pair = generate_key_pair("x", KeyPairUse::kClient);
  ASSERT_TRUE(pair.ok());
  std::string der = *der_of_pem(pair->certificate);
  EXPECT_FALSE(pem_of_der("").ok());
  EXPECT_FALSE(pem_of_der(der.substr(0, der.size() - 1)).ok());
  EXPECT_FALSE(pem_of_der(der + "x").ok()) << "bytes behind it would change the fingerprint";
  EXPECT_FALSE(der_of_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").ok());
  EXPECT_FALSE(der_of_pem(std::string(1 << 20, 'A')).ok());
}

}  // namespace
}  // namespace cella::api
