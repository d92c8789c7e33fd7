// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/ike_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE("G2, E4: two IKEv2 clients behind one address each get their own ESP") {
    world w;
    tunnel a(w, 11);
    tunnel b(w, 12);
    a.connect(0xa001, 0xb001);
    b.connect(0xa002, 0xb002);
    CHECK(a.nat == nat_1);
    CHECK(b.nat == nat_1);
    CHECK(a.nat_port == 500);
    CHECK(b.nat_port != 500);
    for (std::uint32_t i = 2; i < 20; ++i) {
        CHECK(a.got(0xa001, i));
        CHECK(b.got(0xa002, i));
        CHECK(a.esp_out(0xb001, i).forwarded());
        CHECK(b.esp_out(0xb002, i).forwarded());
    }
    CHECK(w.count(counter::bindings_gate) == 2);
    CHECK(w.count(counter::bindings_contested) == 0);
}

TEST_CASE("G2: the same with IKEv1") {
    world w;
    tunnel a(w, 11, 1);
    tunnel b(w, 12, 1);
    a.connect(0xa001, 0xb001);
    b.connect(0xa002, 0xb002);
    CHECK(a.got(0xa001, 2));
    CHECK(b.got(0xa002, 2));
}
