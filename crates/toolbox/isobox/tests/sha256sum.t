$ printf 'abc' | sha256sum
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -

$ printf '' | sha256sum
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -

$ printf 'abc' >f; sha256sum f
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  f

$ printf 'abc' >f; sha256sum f >s; sha256sum -c s
f: OK

$ printf 'abc' >f; sha256sum f >s; printf x >f; sha256sum -c s
f: FAILED
? 1

$ printf 'abc' >f; sha256sum f f
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  f
ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  f

$ sha256sum missing
? 1

$ seq 100000 | sha256sum
b2bc7d3f8b652d2ec96865b68ad8f80e22cca174abe1aed7889e242a747d590f  -
