$ printf 'abcdefghijklmnopqrstu' | hexdump
0000000 6261 6463 6665 6867 6a69 6c6b 6e6d 706f
0000010 7271 7473 0075                         
0000015

$ printf 'abcdefghijklmnopqrstu' | hexdump -C
00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|
00000010  71 72 73 74 75                                    |qrstu|
00000015

$ printf 'abc\n\001' | hexdump -c
0000000   a   b   c  \n 001                                            
0000005

$ printf 'abcd' | hexdump -b
0000000 141 142 143 144                                                
0000004

$ printf 'abcd' | hexdump -d
0000000   25185   25699                                                
0000004

$ printf 'abcd' | hexdump -o
0000000  061141  062143                                                
0000004

$ printf 'abcd' | hexdump -x
0000000    6261    6463                                                
0000004

$ printf '%064d' 0 | hexdump -C
00000000  30 30 30 30 30 30 30 30  30 30 30 30 30 30 30 30  |0000000000000000|
*
00000040

$ printf '%064d' 0 | hexdump -v -C
00000000  30 30 30 30 30 30 30 30  30 30 30 30 30 30 30 30  |0000000000000000|
00000010  30 30 30 30 30 30 30 30  30 30 30 30 30 30 30 30  |0000000000000000|
00000020  30 30 30 30 30 30 30 30  30 30 30 30 30 30 30 30  |0000000000000000|
00000030  30 30 30 30 30 30 30 30  30 30 30 30 30 30 30 30  |0000000000000000|
00000040

$ printf 'abcdef' | hexdump -n 3 -C
00000000  61 62 63                                          |abc|
00000003

$ printf 'abcdef' | hexdump -s 3 -C
00000003  64 65 66                                          |def|
00000006
~ busybox: says: stdin: Illegal seek
~ gnu: says: stdin: Illegal seek

$ printf 'abcd' | hexdump -e '4/1 "%02x " "\n"'
61 62 63 64

$ printf 'abcd' | hexdump -e '1/4 "%08x" "\n"'
64636261

$ printf 'ab' | hexdump -v -e '1/1 "%d,"'
97,98,
\

$ printf '' | hexdump -C
