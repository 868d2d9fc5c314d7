#include "log/compression.h"

#include "base/endian.h"
#include "base/testing.h"

namespace naru {
namespace {

constexpr Codec all_codecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

Bytes sample(uint64_t seed, size_t size) {
  Prng random(seed);
  Bytes bytes(size);
  uint64_t letters = random.between(1, 256);  // from one repeated byte to noise
  for (auto& byte : bytes) byte = static_cast<uint8_t>(random.below(letters));
  return bytes;
}

TEST(compression, round_trips_every_codec_and_size) {
  for (Codec codec : all_codecs)
    for (size_t size : {0, 1, 100, 32 * 1024, 32 * 1024 + 1, 200'000}) {
      Bytes bytes = sample(size + 1, size);
      Bytes packed = *compress(codec, bytes);
      auto back = decompress(codec, packed, size);
      ASSERT_TRUE(back) << name(codec) << " " << size << " " << back.error().reason;
      EXPECT_EQ(*back, bytes);
      if (size > 0) EXPECT_EQ(decompress(codec, packed, size - 1).error().code, Code::too_large) << name(codec);
      EXPECT_TRUE(decompress(codec, packed, SIZE_MAX));
    }
}

TEST(compression, levels_change_the_size_and_not_the_bytes) {
  Bytes bytes;
  Prng random(7);
  while (bytes.size() < 200'000) append(bytes, sample(random.below(500), 40));  // 500 words, in no order
  struct Case {
    Codec codec;
    int less, more;
  };
  for (auto [codec, less, more] :
       {Case{Codec::gzip, 1, 9}, {Codec::lz4, 9, 17}, {Codec::lz4, 1, 17}, {Codec::zstd, -5, 19}}) {
    Bytes large = *compress({codec, less}, bytes), small = *compress({codec, more}, bytes);
    EXPECT_LT(small.size(), large.size()) << name(codec);
    EXPECT_EQ(*decompress(codec, large, bytes.size()), bytes);
    EXPECT_EQ(*decompress(codec, small, bytes.size()), bytes);
  }
  EXPECT_EQ(*compress({Codec::gzip, -1}, bytes), *compress(Codec::gzip, bytes));
}

TEST(compression, any_cut_is_noticed) {
  Bytes bytes = sample(3, 1000);
  for (Codec codec : all_codecs) {
    if (codec == Codec::none) continue;
    Bytes packed = *compress(codec, bytes);
    for (size_t size = 0; size < packed.size(); ++size) {
      auto back = decompress(codec, ByteView(packed).first(size), 1 * MiB);
      // A xerial stream may end after any block, so its bare header is an empty stream.
      if (codec == Codec::snappy && size == 16)
        EXPECT_TRUE(back && back->empty());
      else
        EXPECT_TRUE(!back) << name(codec) << " " << size;
    }
  }
}

TEST(compression, a_claimed_length_costs_no_memory) {
  Bytes lie = {0xff, 0xff, 0xff, 0xff, 0x0f, 0x00};  // raw snappy: 4 GB claimed, one byte there
  EXPECT_EQ(decompress(Codec::snappy, lie, SIZE_MAX).error().code, Code::corrupt);
}

TEST(compression, a_bomb_stops_at_the_bound) {
  for (Codec codec : all_codecs) {
    Bytes packed = *compress(codec, Bytes(20 * MiB, 0));
    EXPECT_EQ(decompress(codec, packed, 1 * MiB).error().code, Code::too_large) << name(codec);
  }
}

TEST(compression, members_and_frames_one_after_the_other_are_one) {
  for (Codec codec : {Codec::gzip, Codec::lz4, Codec::zstd, Codec::snappy}) {
    Bytes twice = *compress(codec, view("hello "));
    append(twice, *compress(codec, view("world")));
    EXPECT_EQ(text(*decompress(codec, twice, 100)), "hello world") << name(codec);
    twice.push_back('x');
    EXPECT_FALSE(decompress(codec, twice, 100)) << name(codec);
  }
}

TEST(compression, snappy_is_read_raw_and_framed_and_written_framed) {
  Bytes framed = *compress(Codec::snappy, view("hello"));
  EXPECT_EQ(text(ByteView(framed).first(8)), std::string_view("\x82SNAPPY\0", 8));
  EXPECT_EQ(load_be<int32_t>(framed.data() + 8), 1);
  EXPECT_EQ(load_be<int32_t>(framed.data() + 12), 1);
  EXPECT_EQ(load_be<uint32_t>(framed.data() + 16), framed.size() - 20);
  EXPECT_EQ(text(*decompress(Codec::snappy, ByteView(framed).subspan(20), 100)), "hello");
}

TEST(compression, noise_is_refused_without_harm) {
  for_each_seed(200, [](uint64_t seed) {
    Bytes noise = sample(seed, seed % 100);
    for (Codec codec : all_codecs) (void)decompress(codec, noise, 1 * MiB);
    for (Codec codec : all_codecs) {
      Bytes packed = *compress(codec, sample(seed, 500));
      Prng random(seed);
      packed[random.below(packed.size())] ^= static_cast<uint8_t>(1 + random.below(255));
      (void)decompress(codec, packed, 1 * MiB);
    }
  });
}

}  // namespace
}  // namespace naru
