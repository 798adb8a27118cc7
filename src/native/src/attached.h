// Calls with callbacks of their own, outside addon.c's table.

#ifndef WV_ATTACHED_H
#define WV_ATTACHED_H

#include "args.h"

napi_value attached_pread(napi_env env, napi_callback_info info);
napi_value attached_pwrite(napi_env env, napi_callback_info info);
napi_value attached_copyin(napi_env env, napi_callback_info info);
napi_value attached_copyout(napi_env env, napi_callback_info info);

#endif
