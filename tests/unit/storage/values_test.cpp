// The values of the storage layer: names, options, digests, ACLs.
#include <gtest/gtest.h>
#include <unistd.h>
#include <fstream>

#include "storage/acl_attribute.h"
#include "storage/btrfs_pool.h"
#include "storage/image_digest.h"
#include "storage/overlay_options.h"
#include "storage/pool_tree.h"
#include "storage/volume.h"

namespace cella::storage {
namespace {

TEST(VolumeName, IsChecked) {
  for (const char* good : {"c1", "a.b_c-d", "default_c1", "0"})
    EXPECT_TRUE(check_volume_name({VolumeKind::kRoot, good}).ok()) << good;
  for (const char* bad : {"", ".", "..", ".hidden", "-x", "a/b", "a b", "a\nb", "\xc3\xa4"})
    EXPECT_FALSE(check_volume_name({VolumeKind::kRoot, bad}).ok()) << bad;
  EXPECT_FALSE(check_volume_name({VolumeKind::kRoot, std::string(201, 'a')}).ok());
  EXPECT_TRUE(check_volume_name({VolumeKind::kSnapshot, "c1/s0"}).ok());
  for (const char* bad : {"c1", "c1/", "/s0", "c1/s0/x", "c1/.."})
    EXPECT_FALSE(check_volume_name({VolumeKind::kSnapshot, bad}).ok()) << bad;
}

TEST(VolumePlace, FollowsTheKind) {
  EXPECT_EQ(place_of({VolumeKind::kImage, "fp"}).path(), "images/fp");
  EXPECT_EQ(place_of({VolumeKind::kRoot, "c1"}).path(), "volumes/c1");
  EXPECT_EQ(place_of({VolumeKind::kSnapshot, "c1/s0"}).path(), "snapshots/c1/s0");
}

TEST(Driver, NamesAreParsed) {
  EXPECT_EQ(*parse_driver("overlay"), DriverType::kOverlay);
  EXPECT_EQ(*parse_driver("btrfs"), DriverType::kBtrfs);
  const Result<DriverType> unknown = parse_driver("zfs");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message().find("\"zfs\""), std::string::npos);
}

TEST(OverlayOptions, StateEveryBehaviourThatHostsSetDifferently) {
  const std::vector<OverlayOption> options = overlay_behaviour();
  const auto has = [&](const OverlayOption& wanted) { return std::count(options.begin(), options.end(), wanted) == 1; };
  EXPECT_TRUE(has({"redirect_dir", "on"}));
  EXPECT_TRUE(has({"index", "off"}));
  EXPECT_TRUE(has({"metacopy", "off"}));
}

TEST(OverlayOptions, LayerStringsRefuseSeparators) {
  EXPECT_EQ((*overlay_layer_strings({"/lower"}, "/v/upper", "/v/work"))[1], (OverlayOption{"upperdir", "/v/upper"}));
  for (const char* bad : {"", "/a:b", "/a,b", "/a\\b", "/a\nb"}) {
    EXPECT_FALSE(overlay_layer_strings({bad}, "/u", "/w").ok()) << bad;
    EXPECT_FALSE(overlay_layer_strings({"/l"}, "/u", bad).ok()) << bad;
  }
}

TEST(LoopSize, IsAFifthOfWhatIsFreeWithinBounds) {
  EXPECT_EQ(default_loop_size(Bytes{10ull << 30}).value, 5ull << 30);
  EXPECT_EQ(default_loop_size(Bytes{100ull << 30}).value, 20ull << 30);
  EXPECT_EQ(default_loop_size(Bytes{1000ull << 30}).value, 30ull << 30);
}

TEST(Acl, IsEncodedSortedAndLittleEndian) {
  const std::string value = encode_acl({{32, 4, ~0u}, {2, 6, 0x1234}, {1, 7, ~0u}});
  ASSERT_EQ(value.size(), 4u + 3 * 8);
  EXPECT_EQ(value.substr(0, 4), std::string("\2\0\0\0", 4));
  EXPECT_EQ(value.substr(4, 8), std::string("\1\0\7\0\xff\xff\xff\xff", 8));
  EXPECT_EQ(value.substr(12, 8), std::string("\2\0\6\0\x34\x12\0\0", 8));
}

TEST(Digest, MatchesKnownAnswers) {
  EXPECT_EQ(Digest().finish(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Digest digest;
  digest.add("a");
  digest.add("bc");
  EXPECT_EQ(digest.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Fingerprint, OfASplitImageIsOfBothFilesInARow) {
  char name[] = "/tmp/cella-digest-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const std::string directory = name;
  std::ofstream(directory + "/a") << "a";
  std::ofstream(directory + "/b") << "bc";
  EXPECT_EQ(*image_fingerprint({directory + "/a", directory + "/b"}, Watch{}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Watch cancel;
  cancel.cancelled = [] { return true; };
  EXPECT_EQ(image_fingerprint({directory + "/a", ""}, cancel).error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(image_fingerprint({directory + "/none", ""}, Watch{}).error().kind(), ErrorKind::kNotFound);
  ::unlink((directory + "/a").c_str());
  ::unlink((directory + "/b").c_str());
  ::rmdir(name);
}

}  // namespace
}  // namespace cella::storage
