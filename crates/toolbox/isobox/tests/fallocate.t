$ fallocate -l 100 f; stat -c %s f
100

$ fallocate -l 1k f; stat -c %s f
1024

$ fallocate -o 10 -l 100 f; stat -c %s f
110

$ fallocate f
? 1

$ fallocate -l x f
? 1

$ fallocate -n -l 100 f; ls f
? 1
~ gnu: says: cannot open f: No such file or directory

$ fallocate -l 0 f
? 1

$ fallocate -l 5 missing/f
? 1
