$ printf abcdef | dd bs=2 count=2 2>/dev/null
abcd
\

$ printf abcdef | dd bs=1 skip=2 2>/dev/null
cdef
\

$ printf abcdef >f; dd if=f of=g 2>/dev/null; cat g
abcdef
\

$ printf abcdef >f; printf XY | dd of=f bs=1 seek=2 conv=notrunc 2>/dev/null; cat f
abXYef
\

$ printf abcdef >f; printf XY | dd of=f bs=1 seek=2 2>/dev/null; cat f
abXY
\

$ printf abc | dd conv=ucase 2>/dev/null
ABC
\
~ busybox: prints otherwise

$ printf ABC | dd conv=lcase 2>/dev/null
abc
\
~ busybox: prints otherwise

$ printf abcd | dd conv=swab 2>/dev/null
badc
\

$ printf abc | dd ibs=2 obs=5 conv=sync 2>/dev/null | od -c
0000000   a   b   c  \0
0000004

$ printf abc | dd 2>&1 >/dev/null | head -n 2
0+1 records in
0+1 records out

$ printf abc | dd status=none
abc
\

$ printf abc | dd bs=2 2>&1 >/dev/null | head -n 2
1+1 records in
1+1 records out

$ dd if=/dev/zero bs=1k count=3 2>/dev/null | wc -c
3072

$ dd if=missing
? 1

$ dd bs=0
? 1

$ dd nonsense=1
? 1

$ printf 'a\nbb\n' | dd cbs=3 conv=block 2>/dev/null
a  bb 
\
~ busybox: prints otherwise

$ printf 'a  bb ' | dd cbs=3 conv=unblock 2>/dev/null
a
bb
~ busybox: prints otherwise

$ dd if=/dev/zero of=f bs=1M count=2 conv=sparse 2>/dev/null; stat -c %s f
2097152
~ busybox: says: stat: can't stat 'f': No such file or directory

$ printf abcdef | dd bs=4 count=3 iflag=count_bytes 2>/dev/null
abc
\

$ printf abcdef | dd bs=4 skip=3 iflag=skip_bytes 2>/dev/null
def
\

$ (printf ab; sleep 0.2; printf cd) | dd bs=4 count=1 iflag=fullblock 2>/dev/null
abcd
\

$ printf abc | dd count=0 2>/dev/null

$ printf abc >f; printf d | dd of=f oflag=append conv=notrunc 2>/dev/null; cat f
abcd
\

$ dd if=/dev/zero bs=2x2 count=1 2>/dev/null | wc -c
4
~ busybox: prints otherwise
