$ printf 'abcdefghijklmnopqrstu' | xxd
00000000: 6162 6364 6566 6768 696a 6b6c 6d6e 6f70  abcdefghijklmnop
00000010: 7172 7374 75                             qrstu

$ printf 'abc' | xxd -p
616263

$ printf 'abcdef' | xxd -g 1
00000000: 61 62 63 64 65 66                                abcdef

$ printf 'abcdef' | xxd -c 4
00000000: 6162 6364  abcd
00000004: 6566       ef

$ printf 'abcdef' | xxd -l 3
00000000: 6162 63                                  abc

$ printf 'abcdef' | xxd -s 2
00000002: 6364 6566                                cdef
~ busybox: says: stdin: Illegal seek

$ printf 'abc' | xxd | xxd -r
abc
\
~ busybox: prints otherwise

$ printf '616263' | xxd -r -p
abc
\

$ printf 'abc' | xxd -i
  0x61, 0x62, 0x63
~ busybox: prints otherwise

$ printf 'abc' >f; xxd -i f
unsigned char f[] = {
  0x61, 0x62, 0x63
};
unsigned int f_len = 3;
~ busybox: prints otherwise

$ printf 'abc' | xxd -b
00000000: 01100001 01100010 01100011                             abc
~ busybox: says: invalid option -- 'b'

$ printf 'abc' | xxd -u
00000000: 6162 63                                  abc
~ busybox: says: invalid option -- 'u'

$ printf 'abcdefgh' | xxd -e
00000000: 64636261 68676665                    abcdefgh
~ busybox: says: invalid option -- 'e'

$ printf '' | xxd
