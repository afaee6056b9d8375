#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The check scripts can say no: each rule is broken once in a small tree made for it, and the script must see it."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / 'tools'
LICENCE = '/* SPDX-License-Identifier: BSD-2-Clause */\n'


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_script(self, script, *arguments):
        done = subprocess.run([sys.executable, str(TOOLS / script), *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode()

    def expect(self, script, words, name, text):
        """A tree that is fine but for one file: the script fails and names file and reason."""
        self.write(name, text)
        code, out = self.run_script(script, '--root', self.root)
        self.assertEqual(code, 1, out)
        self.assertIn(name, out)
        self.assertIn(words, out)
        (self.root / name).unlink()
        code, out = self.run_script(script, '--root', self.root)
        self.assertEqual(code, 0, out)


class Floors(Tree):
    def setUp(self):
        super().setUp()
        self.write('include/fovea/common.h', '#include <stdint.h>\n')
        self.write('include/fovea/image.h', '#include "common.h"\n')
        self.write('src/base/context.h', '#include "fovea/common.h"\n')
        self.write('src/image/convert.c', '#include <math.h>\n#include "image/convert.h"\n#include "base/context.h"\n')
        self.write('src/net/conv_dsp.h', '#include <stddef.h>\n')
        self.write('src/net/x86/conv_avx2.c', '#include <immintrin.h>\n#include "net/conv_dsp.h"\n')
        self.write('io/internal.h', '#include "fovea/image.h"\n')
        self.write('io/reader.c', '#include "internal.h"\n#include <vips/vips.h>\n#include "fovea-io/io.h"\n')
        self.write('apps/cli/main.c', '#include <fovea/fovea.h>\n')
        self.write('train/main.c', '#include "net/graph.h"\n#include "fovea-io/io.h"\n')

    def refuses(self, name, include):
        self.expect('check_floors.py', 'includes', name, f'/* why */\n#include {include}\n')

    def test_fine_tree(self):
        code, out = self.run_script('check_floors.py', '--root', self.root)
        self.assertEqual(code, 0, out)

    def test_higher_floor(self):
        self.refuses('src/base/bad.c', '"image/convert.h"')

    def test_own_floor(self):
        self.refuses('src/net/bad.c', '"resample/axis.h"')

    def test_angle_brackets_do_not_hide(self):
        self.refuses('src/net/bad.c', '<metrics/psnr.h>')

    def test_not_from_the_root(self):
        self.refuses('src/net/bad.c', '"graph.h"')

    def test_library_and_io(self):
        self.refuses('src/image/bad.c', '"fovea-io/io.h"')

    def test_unknown_folder(self):
        self.refuses('src/strange/bad.c', '"base/context.h"')

    def test_isa_file(self):
        self.refuses('src/net/x86/bad_avx2.c', '"base/context.h"')
        self.refuses('src/net/x86/bad_avx2.c', '"fovea/image.h"')
        self.refuses('src/net/x86/bad_avx2.c', '<stdlib.h>')

    def test_dsp_header(self):
        self.refuses('src/net/bad_dsp.h', '"base/context.h"')

    def test_outer_folders(self):
        self.refuses('io/bad.c', '"base/context.h"')
        self.refuses('apps/cli/bad.c', '"image/convert.h"')
        self.refuses('apps/cli/bad.c', '"../../src/base/context.h"')
        self.refuses('examples/bad.c', '"fovea-io/io.h"')
        self.refuses('train/bad.c', '"pipeline/run.h"')
        self.refuses('include/fovea/bad.h', '"base/context.h"')

    def test_nothing_includes(self):
        self.refuses('src/net/bad.c', '"train/recipe.h"')
        self.refuses('tests/unit/bad.c', '"net/graph.c"')


class Lengths(Tree):
    def refuses(self, words, text, name='src/base/bad.c'):
        self.expect('check_lengths.py', words, name, text)

    def test_long_function(self):
        head, line = LICENCE + 'static int bad_one(int a,\n                   int b)\n{\n', '    work();\n'
        self.refuses('bad_one has 101 lines', head + line * 97 + '}\n')
        self.write('src/base/good.c', head + line * 96 + '}\n')
        self.write('src/net/x86/long_avx2.c', head + line * 200 + '}\n')
        code, out = self.run_script('check_lengths.py', '--root', self.root)
        self.assertEqual(code, 0, out)

    def test_long_file(self):
        self.refuses('1001 lines', LICENCE + '\n' * 1000)

    def test_wide_line(self):
        self.refuses('121 columns', LICENCE + '/* ' + 'x' * 118 + '\n')

    def test_licence(self):
        self.refuses('licence', 'int a;\n')
        self.refuses('licence', 'project()\n', 'meson.build')

    def test_blanks(self):
        self.refuses('blanks', LICENCE + 'int a; \n')
        self.refuses('tab', LICENCE + '\tint a;\n')
        self.refuses('newline', LICENCE + 'int a;')


class Words(Tree):
    def test_words(self):
        for text in ('see /wo' + 'rk/x', '"/ro' + 'ot/.profile"', 'open("/tm' + 'p/f")', '../sha' + 'red/data',
                     'Co-Auth' + 'ored-By: x'):
            self.expect('check_words.py', 'says', 'docs/a.md', text + '\n')

    def test_harmless(self):
        self.write('docs/a.md', 'a framework/part, <tmp/x>, $HOME/.config, a shared library, TMPDIR\n')
        code, out = self.run_script('check_words.py', '--root', self.root)
        self.assertEqual(code, 0, out)


class Headers(Tree):
    def refuses(self, text):
        self.write('fovea/bad.h', text)
        code, out = self.run_script('check_headers.py', '--include', self.root)
        self.assertEqual(code, 1, out)

    def test_headers(self):
        self.refuses('size_t f(void);\n')
        self.refuses('enum twice { A };\n')
        self.refuses('#ifndef H\n#define H\nenum e { A, };\n#if NOT_DEFINED\n#endif\n#endif\n')

    def test_fine_header(self):
        self.write('fovea/good.h', '#ifndef H\n#define H\n#include <stddef.h>\nsize_t f(int class_of);\n#endif\n')
        code, out = self.run_script('check_headers.py', '--include', self.root)
        self.assertEqual(code, 0, out)


class Format(Tree):
    def test_format(self):
        self.write('.clang-format', 'BasedOnStyle: LLVM\n')
        self.write('a.c', 'int  a ;\n')
        code, out = self.run_script('check_format.py', '--root', self.root)
        if code == 77:
            self.skipTest('no clang-format 14')
        self.assertEqual(code, 1, out)
        self.write('a.c', 'int a;\n')
        code, out = self.run_script('check_format.py', '--root', self.root)
        self.assertEqual(code, 0, out)


class Symbols(Tree):
    def check(self, code_text, header, listed):
        self.write('a.c', code_text)
        self.write('include/a.h', header)
        self.write('list.txt', listed)
        library = self.root / 'liba.so'
        subprocess.run(['cc', '-shared', '-fPIC', '-o', str(library), str(self.root / 'a.c')], check=True)
        return self.run_script('check_symbols.py', library, '--list', self.root / 'list.txt', '--include',
                               self.root / 'include')

    def test_symbols(self):
        code = 'int fovea_a(void);\nint fovea_a(void) { return 0; }\n'
        header = 'FOVEA_API int\nfovea_a(void);\n/* FOVEA_API int fovea_old(void); */\n'
        self.assertEqual(self.check(code, header, 'fovea_a\n')[0], 0)
        self.assertEqual(self.check(code + 'int leak;\n', header, 'fovea_a\n')[0], 1)
        self.assertEqual(self.check(code, header + 'FOVEA_API int fovea_b(void);\n', 'fovea_a\n')[0], 1)
        self.assertEqual(self.check(code, header, 'fovea_a\nfovea_gone\n')[0], 1)


class Manual(Tree):
    def check(self, page):
        self.write('page.scd', page)
        self.write('program', '#!/bin/sh\ncase $1 in\n'
                   '--help) printf "usage:\\n\\n  fovea grow IN\\n\\nevery command: [--quiet]\\n" ;;\n'
                   'grow) printf "  -s, --scale S\\n" ;;\nesac\n')
        (self.root / 'program').chmod(0o755)
        return self.run_script('check_manual.py', self.root / 'program', self.root / 'page.scd')

    def test_manual(self):
        page = '# COMMANDS\n\n*grow* _IN_\n\tx\n\n# OPTIONS\n\n*--quiet*\n\n*-s*, *--scale* _S_\n'
        self.assertEqual(self.check(page)[0], 0)
        self.assertEqual(self.check(page.replace('*--quiet*', 'quiet'))[0], 1)
        self.assertEqual(self.check(page.replace('*grow*', '*shrink*'))[0], 1)
        self.assertEqual(self.check(page + '*--wide*\n')[0], 1)


if __name__ == '__main__':
    unittest.main()
